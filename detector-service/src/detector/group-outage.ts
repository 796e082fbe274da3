/**
 * Group outage: when so many devices behind one gateway, site or broker fall silent together that independent
 * silences are incredible, the cause is what they share. One incident opens, its members become `unreachable`
 * instead of dead, and when the group is heard again their silence begins anew.
 */
import { FLAG } from './device-table.ts';
import type { Fleet } from './fleet.ts';
import type { Group } from './groups.ts';
import type { Verdicts } from './verdicts.ts';

/** An incident opens when −log10 of the chance that its silences are independent exceeds this. */
const INCREDIBLE = 6;
/** Two silent devices are a coincidence. */
const SILENT_MIN = 3;
/** What a will says for the suspicion of a device that is not overdue yet. */
const WILL_PHI = 2;
/** Groups up to this size are looked at whenever one more member is overdue, larger ones at every tenth more. */
const SMALL = 256;
/** Members that must be heard for an incident to end: one may have found another way. */
const HEARD_MIN = 2;

export class GroupOutage {
  readonly #fleet: Fleet;
  readonly #verdicts: Verdicts;
  /** Groups that are silent as a whole or hold back a death; all others cost a heartbeat nothing. */
  readonly #watched = new Set<Group>();
  #releasing = false;

  constructor(fleet: Fleet, verdicts: Verdicts) {
    this.#fleet = fleet;
    this.#verdicts = verdicts;
  }

  /** A device has become suspect at `at`, which is noticed at `now`. */
  suspected(device: number, at: number, now: number): void {
    for (const group of this.#fleet.groups.of(device)) {
      if (group.outageSince !== undefined)
        this.#verdicts.move(device, 'unreachable', at, now, 'group-outage');
      else this.#lookAt(group, at, now);
      if (this.#fleet.state(device) !== 'suspect') break;
    }
    this.decided(device, now);
  }

  /** A device is not alive any more, whatever became of it: others may have waited to learn that. */
  decided(device: number, now: number): void {
    for (const group of this.#fleet.groups.of(device)) this.#release(group, now);
  }

  /**
   * A suspect's budget is used up at `at`. May it die, or could its silence still turn out to be its group's?
   *
   * It must wait while fellows that are due soon have not been heard since its silence began: either one speaks,
   * and the group is innocent, or they fall silent too, and the incident opens.
   */
  mayDie(device: number, at: number, now: number): boolean {
    for (const group of this.#fleet.groups.of(device)) {
      this.#lookAt(group, at, now);
      if (this.#fleet.state(device) !== 'suspect') return false;
      if (this.#mustWait(group, device)) {
        group.held.add(device);
        this.#watched.add(group);
        this.#fleet.flag(device, FLAG.held, true);
        return false;
      }
    }
    return true;
  }

  /** A suspicion is over: there is no death to hold back any more. */
  letGo(device: number): void {
    if (!this.#fleet.has(device, FLAG.held)) return;
    this.#fleet.flag(device, FLAG.held, false);
    for (const group of this.#fleet.groups.of(device)) group.held.delete(device);
  }

  /** A device was heard: its group is not silent, and a death that waited for this need not wait longer. */
  heard(device: number, at: number): void {
    this.#fleet.flag(device, FLAG.held, false);
    if (this.#watched.size === 0) return;
    for (const group of this.#fleet.groups.of(device)) {
      group.held.delete(device);
      if (group.outageSince !== undefined) {
        group.heard.add(device);
        if (group.heard.size >= Math.min(HEARD_MIN, group.members.length)) this.#end(group, at);
      }
      this.#release(group, at);
    }
  }

  /** Continues an incident that a snapshot knows of. */
  resume(group: Group, since: number): void {
    group.outageSince = since;
    this.#watched.add(group);
  }

  /** Judges anew whose death was held back; one that must wait still is held again. */
  #release(group: Group, now: number): void {
    if (this.#releasing) return;
    this.#releasing = true;
    // Each death may settle the others' case: again until nothing changes.
    for (let before = -1; group.held.size > 0 && group.held.size !== before; ) {
      before = group.held.size;
      for (const device of [...group.held]) {
        group.held.delete(device);
        this.#fleet.flag(device, FLAG.held, false);
        this.#verdicts.judge(device, now);
      }
    }
    this.#releasing = false;
    if (group.held.size === 0 && group.outageSince === undefined) this.#watched.delete(group);
  }

  #mustWait(group: Group, device: number): boolean {
    const { table } = this.#fleet;
    const silentSince = this.#silentSince(device);
    const dueBy = (table.deadAt[device] as number) + (table.intervalMs[device] as number);
    let silentTogether = 1;
    let waitedFor = 0;
    for (const member of group.members) {
      if (member === device) continue;
      const state = this.#fleet.state(member);
      if ((table.lastSeenAt[member] as number) > silentSince) return false;
      if (state === 'suspect') silentTogether += 1;
      else if (state === 'alive' && (table.expectedBy[member] as number) <= dueBy) waitedFor += 1;
    }
    return waitedFor > 0 && silentTogether + waitedFor >= SILENT_MIN;
  }

  /**
   * Opens an incident when the silences are incredible by chance: Σφ of the k silent members outweighs the
   * log10 C(n, k) ways to pick them among the n that were silent or heard since the first of the k fell silent.
   * Every k of latest silences is tried and the least credible one taken, so that one old suspect does not hide a
   * fresh outage.
   */
  #lookAt(group: Group, at: number, now: number): void {
    if (group.overdue < SILENT_MIN || group.outageSince !== undefined) return;
    if (group.members.length > SMALL && group.overdue < group.lookAgainAt) return;
    group.lookAgainAt = Math.floor(1.1 * group.overdue) + 1;
    const { table } = this.#fleet;
    const silent: { since: number; phi: number }[] = [];
    const heardAt: number[] = [];
    for (const member of group.members) {
      const state = this.#fleet.state(member);
      if (state === 'suspect') silent.push({ since: this.#silentSince(member), phi: this.#phi(member, at) });
      else if (state === 'alive') heardAt.push(table.lastSeenAt[member] as number);
    }
    silent.sort((a, b) => b.since - a.since);
    heardAt.sort((a, b) => b - a);
    let phiSum = 0;
    let witnesses = 0;
    let best = { since: 0, score: INCREDIBLE };
    for (const [index, { since, phi }] of silent.entries()) {
      phiSum += phi;
      while (witnesses < heardAt.length && (heardAt[witnesses] as number) > since) witnesses += 1;
      const k = index + 1;
      const score = phiSum - log10Choose(k + witnesses, k);
      if (k >= SILENT_MIN && score > best.score) best = { since, score };
    }
    if (best.score > INCREDIBLE) this.#begin(group, best.since, at, now);
  }

  #begin(group: Group, since: number, at: number, now: number): void {
    this.resume(group, since);
    group.heard.clear();
    for (const member of [...group.members]) {
      const state = this.#fleet.state(member);
      if ((state !== 'suspect' && state !== 'dead') || this.#silentSince(member) < since) continue;
      this.#verdicts.move(member, 'unreachable', at, now, 'group-outage');
    }
  }

  #end(group: Group, at: number): void {
    const since = group.outageSince as number;
    group.outageSince = undefined;
    group.heard.clear();
    for (const member of group.members) {
      if (this.#fleet.state(member) !== 'unreachable') continue;
      if ([...this.#fleet.groups.of(member)].some(({ outageSince }) => outageSince !== undefined)) continue;
      this.#fleet.forgive(member, since, at);
      this.#verdicts.arm(member);
    }
  }

  /** Since when its silence is remarkable: its will, or the beat that did not come. */
  #silentSince(device: number): number {
    const { table } = this.#fleet;
    const expectedBy = table.expectedBy[device] as number;
    const willCame = this.#fleet.has(device, FLAG.willCame);
    return willCame ? Math.min(expectedBy, table.suspectAt[device] as number) : expectedBy;
  }

  #phi(device: number, at: number): number {
    const phi = Math.max(1, this.#fleet.phi(device, at));
    return this.#fleet.has(device, FLAG.willCame) ? Math.max(WILL_PHI, phi) : phi;
  }
}

/** log10 of the number of ways to choose k of n. */
function log10Choose(n: number, k: number): number {
  let sum = 0;
  for (let i = 1; i <= k; i += 1) sum += Math.log10((n - k + i) / i);
  return sum;
}
