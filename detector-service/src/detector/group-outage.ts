/**
 * Group outage: when so many devices behind one gateway, site or broker, or all there are, fall silent together that independent
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
/** The suspicion that a class stands for when it calls a device dead: one chance in a thousand to be wrong. */
const DEAD_PHI = 3;
/** Groups up to this size are looked at whenever one more member is overdue; larger ones at every tenth more, … */
const SMALL = 256;
/** … from this share of them on: a smaller part has a narrower cause. */
const LARGE_SHARE = 0.25;
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
    if (this.#watched.size === 0) return;
    for (const group of this.#fleet.groups.of(device)) {
      // One of many settles nothing.
      if (group.members.length <= SMALL || group.overdue >= group.lookAgainAt) this.#release(group, now);
    }
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
    this.#fleet.groups.hear(device, at);
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

  /** A will came: whatever became of the device, the way from the brokers to us is open. */
  heardOf(device: number, at: number): void {
    for (const group of this.#fleet.groups.of(device)) {
      if (group.kind !== 'fleet') continue;
      group.heardAt = at;
      if (group.held.size > 0) this.#release(group, at);
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
    if (group.heardAt > this.#silentSince(device)) return false;
    // In a large group that nobody was heard of, somebody is always due soon.
    if (group.members.length > SMALL) return group.overdue < group.members.length;
    const dueBy = table.deadAt.get(device) + table.intervalMs.get(device);
    let silentTogether = 0;
    let waitedFor = 0;
    for (const member of group.members) {
      const state = this.#fleet.state(member);
      if (state === 'suspect') silentTogether += 1;
      else if (state === 'alive' && table.expectedBy.get(member) <= dueBy) waitedFor += 1;
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
    const large = group.members.length > SMALL;
    if (large && group.overdue < Math.max(group.lookAgainAt, LARGE_SHARE * group.members.length)) return;
    group.lookAgainAt = Math.floor(1.1 * group.overdue) + 1;
    const { table } = this.#fleet;
    const silent: { since: number; phi: number }[] = [];
    const heardAt: number[] = [];
    for (const member of group.members) {
      const state = this.#fleet.state(member);
      // Whose will came is not silent to the fleet: we hear of it.
      const told = group.kind === 'fleet' && this.#fleet.has(member, FLAG.willCame);
      if (state === 'suspect' && !told)
        silent.push({ since: this.#silentSince(member), phi: this.#phi(member, at) });
      else if (state === 'alive') heardAt.push(table.lastSeenAt.get(member));
    }
    silent.sort((a, b) => b.since - a.since);
    heardAt.sort((a, b) => b - a);
    let phiSum = 0;
    let witnesses = 0;
    /** log10 C(k + witnesses, k), kept up by one factor at a time. */
    let waysLog10 = 0;
    let best = { since: 0, score: INCREDIBLE };
    for (const [index, { since, phi }] of silent.entries()) {
      phiSum += phi;
      const k = index + 1;
      waysLog10 += Math.log10((k + witnesses) / k);
      while (witnesses < heardAt.length && (heardAt[witnesses] as number) > since) {
        witnesses += 1;
        waysLog10 += Math.log10((k + witnesses) / witnesses);
      }
      const score = phiSum - waysLog10;
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
    const expectedBy = table.expectedBy.get(device);
    const willCame = this.#fleet.has(device, FLAG.willCame);
    return willCame ? Math.min(expectedBy, table.suspectAt.get(device)) : expectedBy;
  }

  /**
   * How incredible the device's silence is by chance. Where the algorithm has no probability to offer, its own points
   * stand in: 1 where it suspects, 3 where it calls it dead.
   */
  #phi(device: number, at: number): number {
    const { table } = this.#fleet;
    const suspectAt = table.suspectAt.get(device);
    const deadAt = table.deadAt.get(device);
    const progress =
      deadAt > suspectAt ? Math.min(1, Math.max(0, (at - suspectAt) / (deadAt - suspectAt))) : 1;
    const willPhi = this.#fleet.has(device, FLAG.willCame) ? WILL_PHI : 1;
    return Math.max(willPhi, 1 + (DEAD_PHI - 1) * progress, this.#fleet.phi(device, at));
  }
}
