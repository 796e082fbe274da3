/**
 * Group outage: when so many devices behind one gateway, site or broker, or all there are, fall silent together that
 * independent silences are incredible, the cause is what they share. One incident opens and its members become
 * `unreachable` instead of dead; each leaves it when it is heard, and `Incident` knows when the rest is on its own.
 */
import { FLAG } from './device-table.ts';
import type { Fleet } from './fleet.ts';
import type { Group } from './group.ts';
import { type Incident, SILENT_MIN } from './incident.ts';
import { IncidentBook } from './incident-book.ts';
import { type Cause, OutageSearch, SMALL } from './outage-search.ts';
import type { State } from './transition.ts';
import type { Verdicts } from './verdicts.ts';

/** A large group that talks is heard at least so many times in a member's interval. */
const HEARD_PER_INTERVAL = 16;

export class GroupOutage {
  readonly #fleet: Fleet;
  readonly #verdicts: Verdicts;
  readonly book: IncidentBook;
  readonly #search: OutageSearch;
  #releasing = false;

  constructor(fleet: Fleet, verdicts: Verdicts) {
    this.#fleet = fleet;
    this.#verdicts = verdicts;
    this.book = new IncidentBook(fleet);
    this.#search = new OutageSearch(fleet, this.book);
  }

  /** A device has become suspect at `at`, which is noticed at `now`. */
  suspected(device: number, at: number, now: number): void {
    this.#attribute(device, at, now);
    this.decided(device, now);
  }

  /** A suspect is still silent at `at`. */
  lookAgain(device: number, at: number, now: number): void {
    if (!this.#fleet.has(device, FLAG.leftBehind)) this.#attribute(device, at, now);
  }

  /** A device is not alive any more, whatever became of it: others may have waited to learn that. */
  decided(device: number, now: number): void {
    for (const group of this.#fleet.groups.of(device)) {
      // One of many settles nothing.
      if (group.members.length <= SMALL || group.overdue >= group.lookAgainAt) this.#release(group, now);
    }
  }

  /**
   * A suspect's budget is used up at `at`. May it die, or could its silence still turn out to be its group's?
   *
   * It must wait while fellows are overdue, too, since the group was last heard: either one speaks, and the group is
   * innocent, or they stay silent, and the incident opens.
   */
  mayDie(device: number, at: number, now: number): boolean {
    if (this.#fleet.has(device, FLAG.leftBehind)) return true;
    this.lookAgain(device, at, now);
    if (this.#fleet.state(device) !== 'suspect') return false;
    for (const group of this.#fleet.groups.of(device)) {
      if (!this.#search.isSilentTo(group, device) || !this.#mustWait(group, device)) continue;
      group.hold(device);
      this.#fleet.flag(device, FLAG.held, true);
      return false;
    }
    return true;
  }

  /** When an unreachable device is judged by itself, or its incident looked at again. */
  dueAt(device: number): number {
    const suspectAt = this.#fleet.table.suspectAt.get(device);
    const incident = this.book.of(device);
    if (incident === undefined) return suspectAt;
    return this.#isBack(incident, device) ? Math.max(suspectAt, incident.patienceEndsAt) : incident.reviewAt;
  }

  /** An unreachable device is due at `at`. True when it is on its own from now on. */
  isOnItsOwn(device: number, at: number): boolean {
    const incident = this.book.of(device);
    if (incident === undefined) return true;
    if (!this.#isBack(incident, device)) {
      // A part of a group that talks is not silent for ever for what the group shares.
      if (incident.group.heardAt > incident.since) {
        incident.giveUp(at);
        this.#giveTime(incident, incident.silent, at);
      } else incident.review();
      return false;
    }
    const { table } = this.#fleet;
    const laterMs = Math.max(0, at - table.suspectAt.get(device));
    table.suspectAt.set(device, table.suspectAt.get(device) + laterMs);
    table.deadAt.set(device, table.deadAt.get(device) + laterMs);
    this.#fleet.flag(device, FLAG.leftBehind, true);
    return true;
  }

  /** A suspicion is over: there is no death to hold back any more. */
  letGo(device: number): void {
    if (!this.#fleet.has(device, FLAG.held)) return;
    this.#fleet.flag(device, FLAG.held, false);
    for (const group of this.#fleet.groups.of(device)) group.letGo(device);
  }

  /** An unreachable device is something else now: it returned, or its time is up. */
  left(device: number, to: State, at: number): void {
    const incident = this.book.of(device);
    if (incident === undefined) return;
    this.book.release(device);
    // Who did not return in time says nothing of the others: a part of them may not be back yet.
    if (to === 'suspect') this.book.changed();
    else if (incident.returned(at)) {
      // The way it came is open to its fellows, too.
      for (const group of this.#narrower(incident, device)) group.heardAt = at;
      this.#giveTime(incident, incident.silent, at);
    } else if (incident.backSince !== undefined) this.#partIsBack(incident, device, at);
    if (incident.silent.size === 0) this.book.end(incident, at);
  }

  /** The first of a part of the group that is heard, as the rest was before: from now on its fellows have time. */
  #partIsBack(incident: Incident, device: number, at: number): void {
    for (const group of this.#narrower(incident, device)) {
      if (group.heardAt > incident.since) continue;
      group.heardAt = at;
      const fellows = [...group.members].filter((member) => incident.silent.has(member));
      this.#giveTime(incident, fellows, at);
    }
  }

  /** A device was heard: its group is not silent, and a death that waited for this need not wait longer. */
  heard(device: number, at: number): void {
    this.#fleet.flag(device, FLAG.held | FLAG.leftBehind, false);
    if (!this.#fleet.groups.hear(device, at)) return;
    for (const group of this.#fleet.groups.of(device)) {
      group.letGo(device);
      this.#release(group, at);
    }
  }

  /** A will came: whatever became of the device, the way from the brokers to us is open. */
  heardOf(device: number, at: number): void {
    for (const group of this.#fleet.groups.of(device)) {
      if (group.kind !== 'fleet') continue;
      group.heardAt = at;
      this.#release(group, at);
    }
  }

  /** Puts the silence down to an incident: one that is open and began before it, or else one that it reveals. */
  #attribute(device: number, at: number, now: number): void {
    const groups = this.#fleet.groups.of(device);
    for (const group of groups) {
      const { incident } = group;
      if (incident === undefined || !this.#concerns(incident, device, at)) continue;
      this.#silence(incident, device, at, now);
      this.#lookWider(group, at, now);
      return;
    }
    for (const group of groups) {
      this.#lookAt(group, at, now);
      if (this.#fleet.state(device) !== 'suspect') return;
    }
  }

  /** Judges anew whose death was held back; one that must wait still is held again. */
  #release(group: Group, now: number): void {
    if (this.#releasing) return;
    this.#releasing = true;
    // Each death may settle the others' case: again until nothing changes.
    for (let before = -1; group.held.size > 0 && group.held.size !== before; ) {
      before = group.held.size;
      for (const device of [...group.held]) {
        group.letGo(device);
        this.#fleet.flag(device, FLAG.held, false);
        this.#verdicts.judge(device, now);
      }
    }
    this.#releasing = false;
  }

  #mustWait(group: Group, device: number): boolean {
    const { table } = this.#fleet;
    const deadAt = table.deadAt.get(device);
    const { heardAt, members } = group;
    if (heardAt >= deadAt || members.length < SILENT_MIN) return false;
    const intervalMs = table.intervalMs.get(device);
    const innocent = heardAt > this.#search.silentSince(device);
    if (innocent && members.length > SMALL && deadAt - heardAt < intervalMs / HEARD_PER_INTERVAL)
      return false;
    // Of a group that has talked in its silence only the silence since then is remarkable, not what is yet to come.
    const dueBy = innocent ? deadAt : Math.max(deadAt, table.expectedBy.get(device)) + intervalMs;
    let fellows = 1;
    for (const member of members) {
      const expectedBy = table.expectedBy.get(member);
      if (member === device || !(expectedBy > heardAt && expectedBy <= dueBy)) continue;
      const state = this.#fleet.state(member);
      if (state === 'dead' || state === 'asleep' || state === 'retired') continue;
      fellows += 1;
      if (fellows >= SILENT_MIN) return true;
    }
    return false;
  }

  /** Opens an incident when the silences in the group are incredible by chance. */
  #lookAt(group: Group, at: number, now: number): void {
    const cause = this.#search.causeOf(group, at);
    if (cause !== undefined) this.#begin(group, cause, at, now);
  }

  #begin(group: Group, { since, narrower }: Cause, at: number, now: number): void {
    const { table } = this.#fleet;
    const startsIt = (member: number): boolean => {
      const state = this.#fleet.state(member);
      if (state === 'unreachable') return narrower.has(this.book.of(member) as Incident);
      if (state !== 'suspect' || !this.#search.isEvidence(group, member)) return false;
      return (
        narrower.size > 0 ||
        (this.#search.silentSince(member) >= since && !this.#search.mayBeNarrower(group, member))
      );
    };
    let beganBy = since;
    let latestOnset = since;
    for (const member of group.members) {
      if (!startsIt(member)) continue;
      beganBy = Math.max(beganBy, table.lastSeenAt.get(member));
      latestOnset = Math.max(latestOnset, this.#search.silentSince(member));
    }
    // Where nobody is heard, the last who was tells best when it began.
    if (group.heardAt <= latestOnset) beganBy = Math.max(beganBy, group.heardAt);
    const incident = this.book.begin(group, beganBy, now, narrower);
    for (const member of [...group.members]) {
      const state = this.#fleet.state(member);
      if (incident.silent.has(member) || !this.#concerns(incident, member, at)) continue;
      // Who died since then was not silent for long enough before.
      const died = state === 'dead' && table.since.get(member) >= incident.since;
      if (died || state === 'suspect') this.#silence(incident, member, at, now);
    }
    // They are looked at again when this incident is.
    if (narrower.size > 0) for (const member of incident.silent) this.#verdicts.arm(member);
    this.#lookWider(group, at, now);
  }

  #lookWider(group: Group, at: number, now: number): void {
    const [member] = group.incident?.silent ?? [];
    if (member === undefined) return;
    const groups = this.#fleet.groups.of(member);
    for (const wider of groups.slice(groups.indexOf(group) + 1)) this.#lookAt(wider, at, now);
  }

  #silence(incident: Incident, device: number, at: number, now: number): void {
    this.book.silence(incident, device);
    this.#verdicts.move(device, 'unreachable', at, now, 'group-outage');
  }

  /** True when the device has not been heard since the incident began. Who was, is judged by itself. */
  #concerns(incident: Incident, device: number, at: number): boolean {
    const { group } = incident;
    if (incident.backSince !== undefined || !this.#search.isSilentTo(group, device)) return false;
    const { lastSeenAt, intervalMs } = this.#fleet.table;
    if (!(lastSeenAt.get(device) > incident.since)) return true;
    // Of a group in which nobody talks any more, or has for so long, it was one of the last to be heard.
    return this.#isSilent(group) || at - group.heardAt >= intervalMs.get(device);
  }

  /** True when nobody of it is alive; of a large group this is not asked. */
  #isSilent(group: Group): boolean {
    if (group.members.length > SMALL) return false;
    for (const member of group.members) if (this.#fleet.state(member) === 'alive') return false;
    return true;
  }

  /** True when the group is heard again, and the device's part of it, too. */
  #isBack(incident: Incident, device: number): boolean {
    if (incident.backSince === undefined) return false;
    for (const group of this.#narrower(incident, device)) {
      if (group.members.length >= SILENT_MIN && group.heardAt <= incident.since) return false;
    }
    return true;
  }

  /** Groups of the device that are narrower than the incident's. */
  *#narrower(incident: Incident, device: number): Generator<Group> {
    for (const group of this.#fleet.groups.of(device)) {
      if (group === incident.group) return;
      yield group;
    }
  }

  /** The members' group is back: its silence until `at` is forgiven those that are still missing. */
  #giveTime(incident: Incident, members: Iterable<number>, at: number): void {
    this.book.changed();
    for (const member of members) {
      this.#fleet.forgive(member, incident.since, at);
      this.#verdicts.arm(member);
    }
  }
}
