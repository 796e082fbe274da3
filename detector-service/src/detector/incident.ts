/**
 * One incident: a group that fell silent as a whole, from its opening to the return of those it silenced.
 *
 * Members leave it one by one, as they are heard. When enough of them are back the cause is over and the rest gets
 * its time to follow; how long that is, the returned ones tell. Who is not back by then is judged by itself.
 */
import type { Group, GroupKind } from './group.ts';

/** Fewer silent devices than this are a coincidence. */
export const SILENT_MIN = 3;
/** Share of the silenced that must be heard for the cause to be over: a few may have found another way. */
const BACK_SHARE = 1 / 3;
const BACK_MIN = 2;
/**
 * Mean times to return that the missing are waited for, added to the logarithm of how many there were. With
 * exponential times to return, the chance that any one of n is still on its way by then is e to minus this.
 */
const PATIENCE = 5;
/** Longest time to return of one imagined member, for as long as few have returned; it is out no longer than it was. */
const RETURN_MS = 600_000;
/** A group in which others talk is believed to be silent in part for so long at most. */
const REVIEW_MS = 86_400_000;

/** What people may ask about an incident. */
export interface IncidentView {
  /** Counts from 1; a number is never used twice by one detector. */
  readonly number: number;
  readonly kind: GroupKind;
  /** Name of the gateway, site or broker; absent for the fleet. */
  readonly place?: string | undefined;
  /** Latest sign of life of those who fell silent: the cause began between then and `openedAt`. */
  readonly since: number;
  readonly openedAt: number;
  /** Since when the group is heard again; members still missing have time to follow. */
  readonly backSince?: number | undefined;
  readonly endedAt?: number | undefined;
  /** The incident of a wider group of which this one turned out to be a part. */
  readonly mergedInto?: number | undefined;
  /** Devices it silenced, all told. */
  readonly silenced: number;
  /** Those of them not heard again. */
  readonly missing: number;
}

/** What a snapshot keeps of an open incident beside its group. */
export interface IncidentState {
  readonly number: number;
  readonly since: number;
  readonly openedAt: number;
  readonly reviewAt: number;
  readonly silenced: number;
  readonly backSince: number | null;
  readonly returns: readonly number[];
  readonly returned: number;
  readonly delaysMs: number;
}

export class Incident {
  readonly number: number;
  readonly openedAt: number;
  group: Group;
  since: number;
  /** Silent members, by index. */
  readonly silent = new Set<number>();
  silenced = 0;
  /** When to ask whether it is still credible. */
  reviewAt: number;
  backSince: number | undefined;
  endedAt: number | undefined;
  mergedInto: number | undefined;
  /** Members missing at its end. */
  missing = 0;
  /** When members were heard again, until the group counts as back. */
  #returns: number[] = [];
  #returned = 0;
  /** Sum of their times to return. */
  #delaysMs = 0;

  constructor(number: number, group: Group, since: number, openedAt: number) {
    this.number = number;
    this.group = group;
    this.since = since;
    this.openedAt = openedAt;
    this.reviewAt = openedAt + REVIEW_MS;
  }

  static restored(group: Group, state: IncidentState): Incident {
    const incident = new Incident(state.number, group, state.since, state.openedAt);
    incident.reviewAt = state.reviewAt;
    incident.silenced = state.silenced;
    incident.backSince = state.backSince ?? undefined;
    incident.#returns = [...state.returns];
    incident.#returned = state.returned;
    incident.#delaysMs = state.delaysMs;
    return incident;
  }

  state(): IncidentState {
    const { number, since, openedAt, reviewAt, silenced, backSince } = this;
    return {
      number,
      since,
      openedAt,
      reviewAt,
      silenced,
      backSince: backSince ?? null,
      returns: this.#returns,
      returned: this.#returned,
      delaysMs: this.#delaysMs,
    };
  }

  /** Takes over the members of an incident that is part of this one. */
  absorb(part: Incident): void {
    for (const device of part.silent) this.silent.add(device);
    this.silenced += part.silenced;
    part.silent.clear();
  }

  silence(device: number): void {
    if (this.silent.has(device)) return;
    this.silent.add(device);
    this.silenced += 1;
  }

  /** A silenced member was heard at `at`. True when with that the group counts as back. */
  returned(at: number): boolean {
    if (this.backSince !== undefined) {
      this.#returned += 1;
      this.#delaysMs += at - this.backSince;
      return false;
    }
    this.#returns.push(at);
    const { length } = this.#returns;
    const enough = length >= Math.max(BACK_MIN, BACK_SHARE * this.silenced);
    if (!enough && this.silent.size >= SILENT_MIN) return false;
    // The first ones may have found another way long ago.
    this.#back(this.#returns[length >> 2] as number);
    return true;
  }

  /** The group counts as back although its members are not: others of it have talked all the time. */
  giveUp(at: number): void {
    this.#back(at);
  }

  /** It fell silent again before it was over. */
  relapse(since: number): void {
    this.since = since;
    this.backSince = undefined;
    this.#returned = 0;
    this.#delaysMs = 0;
  }

  review(): void {
    this.reviewAt += REVIEW_MS;
  }

  /** Until when the missing are given time, as far as the pace of the others tells; they have their own time, too. */
  get patienceEndsAt(): number {
    const backSince = this.backSince as number;
    const imaginedMs = Math.min(RETURN_MS, Math.max(0, backSince - this.since));
    const meanMs = (imaginedMs + this.#delaysMs) / (1 + this.#returned);
    return Math.ceil(backSince + meanMs * (PATIENCE + Math.log(this.silenced)));
  }

  #back(since: number): void {
    this.backSince = since;
    const returns = this.#returns.filter((at) => at >= since);
    this.#returned = returns.length;
    this.#delaysMs = returns.reduce((sum, at) => sum + at - since, 0);
    this.#returns = [];
  }
}
