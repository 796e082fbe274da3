/**
 * Looks for what a group's members are silent by together: for its own cause, or for several narrower ones that turn
 * out to be one. A narrower cause says more, so it goes first.
 */
import { commonCause, type Silence } from './common-cause.ts';
import { FLAG } from './device-table.ts';
import type { Fleet } from './fleet.ts';
import { GROUP_KINDS, type Group } from './group.ts';
import { type Incident, SILENT_MIN } from './incident.ts';
import type { IncidentBook } from './incident-book.ts';

/** What a will says for the suspicion of a device that is not overdue yet. */
const WILL_PHI = 2;
/** The suspicion that a class stands for when it calls a device dead: one chance in a thousand to be wrong. */
const DEAD_PHI = 3;
/** A smaller part of those who could have been heard has a narrower cause than the group. */
const SHARE_MIN = 0.25;
/** Of a group that is silent as a whole, this share is. */
const SHARE_WHOLE = 0.9;
const GROWTH = 1.1;
/** … from this share of them on. */
const LARGE_SHARE = 0.01;
const NONE: ReadonlySet<Incident> = new Set();
/** Groups up to this size are looked at whenever one more member is overdue; larger ones when they have grown, … */
export const SMALL = 256;

export interface Cause {
  /** Onset of the earliest silence that belongs to it. */
  readonly since: number;
  /** Incidents that turn out to be part of it. */
  readonly narrower: ReadonlySet<Incident>;
}

export class OutageSearch {
  readonly #fleet: Fleet;
  readonly #book: IncidentBook;

  constructor(fleet: Fleet, book: IncidentBook) {
    this.#fleet = fleet;
    this.#book = book;
  }

  /** What silences the group at `at`, when chance does not. */
  causeOf(group: Group, at: number): Cause | undefined {
    if (!this.#isWorthALook(group)) return undefined;
    const { table } = this.#fleet;
    const silences: Silence[] = [];
    const heardAt: number[] = [];
    const narrower = new Set<Incident>();
    let unexplained = 0;
    for (const member of group.members) {
      const state = this.#fleet.state(member);
      if (state === 'alive') heardAt.push(table.lastSeenAt.get(member));
      else if (state === 'suspect' && this.isEvidence(group, member)) {
        unexplained += 1;
        if (!this.mayBeNarrower(group, member))
          silences.push({ since: this.silentSince(member), phi: this.#phi(group, member, at) });
      } else if (state === 'unreachable') {
        const incident = this.#book.of(member);
        if (incident !== undefined && isNarrower(incident.group, group)) narrower.add(incident);
      }
    }
    const silent = unexplained + group.unreachable;
    const isOut = group.incident !== undefined && group.incident.backSince === undefined;
    const causes = Number(isOut) + narrower.size + Math.min(1, unexplained);
    // Several causes that leave nobody to talk are one.
    if (narrower.size > 0 && causes > 1 && silent >= SHARE_WHOLE * (silent + heardAt.length)) {
      return { since: Number.NEGATIVE_INFINITY, narrower };
    }
    const cause = commonCause(silences, Float64Array.from(heardAt), SILENT_MIN, SHARE_MIN);
    return cause && { since: cause.since, narrower: NONE };
  }

  #isWorthALook(group: Group): boolean {
    const { length } = group.members;
    const silent = group.overdue + group.unreachable;
    if (group.overdue < SILENT_MIN && (group.unreachable === 0 || 2 * silent < length)) return false;
    if (length <= SMALL) return true;
    // More silent members than last time, or more of them silent by narrower causes, which may turn out to be one.
    const least = LARGE_SHARE * length;
    const isNews =
      silent >= Math.max(group.lookAgainAt, least) ||
      group.unreachable >= Math.max(group.lookAgainAtUnreachable, least);
    if (!isNews) return false;
    const whole = Math.ceil(SHARE_WHOLE * length);
    group.lookAgainAt = silent < whole ? Math.min(whole, grown(silent)) : grown(silent);
    group.lookAgainAtUnreachable = grown(group.unreachable);
    return true;
  }

  /** Whose will came is not silent to the fleet: we hear of it. */
  isSilentTo(group: Group, device: number): boolean {
    return group.kind !== 'fleet' || !this.#fleet.has(device, FLAG.willCame);
  }

  /** A suspect whose silence may have a common cause; who was left behind by one that is over has its own. */
  isEvidence(group: Group, device: number): boolean {
    return this.isSilentTo(group, device) && !this.#fleet.has(device, FLAG.leftBehind);
  }

  /** True when a narrower group of the device is not known to talk: then its silence is that one's first. */
  mayBeNarrower(group: Group, device: number): boolean {
    for (const narrower of this.#fleet.groups.of(device)) {
      if (narrower === group) return false;
      if (narrower.members.length >= SILENT_MIN && narrower.heardAt <= this.silentSince(device)) return true;
    }
    return false;
  }

  /** Since when its silence is remarkable: its will, or the beat that did not come. */
  silentSince(device: number): number {
    const { table } = this.#fleet;
    const expectedBy = table.expectedBy.get(device);
    const willCame = this.#fleet.has(device, FLAG.willCame);
    return willCame ? Math.min(expectedBy, table.suspectAt.get(device)) : expectedBy;
  }

  /**
   * How incredible the device's silence is by chance. Where the algorithm has no probability to offer, and in large
   * groups, where asking it would take long, its own points stand in: 1 where it suspects, 3 where it calls it dead.
   */
  #phi(group: Group, device: number, at: number): number {
    const { table } = this.#fleet;
    const suspectAt = table.suspectAt.get(device);
    const deadAt = table.deadAt.get(device);
    const progress =
      deadAt > suspectAt ? Math.min(1, Math.max(0, (at - suspectAt) / (deadAt - suspectAt))) : 1;
    const willPhi = this.#fleet.has(device, FLAG.willCame) ? WILL_PHI : 1;
    const byPoints = Math.max(willPhi, 1 + (DEAD_PHI - 1) * progress);
    return group.members.length > SMALL ? byPoints : Math.max(byPoints, this.#fleet.phi(device, at));
  }
}

function grown(count: number): number {
  return Math.floor(GROWTH * count) + 1;
}

function isNarrower(group: Group, than: Group): boolean {
  return GROUP_KINDS.indexOf(group.kind) < GROUP_KINDS.indexOf(than.kind);
}
