/**
 * Which slots of a device are closed, how its time divides in each, and what has to be put right in closed ones.
 *
 * Times are read off the verdicts that are kept. Of those that are not kept any more only matters what they held of
 * the hour and the day in which the oldest kept one began.
 */
import { availability, type Reason } from '../detector/transition.ts';
import { Columns } from './columns.ts';
import { formatRestatedSlot } from './rollup-line.ts';
import { DAY, HOUR, HOUR_MS, SLOT_KINDS, type SlotKind, slotStart } from './slot.ts';
import { addTime, type ShareBefore, type SlotShare, sameShare, slotShares } from './slot-share.ts';
import { RESTATABLE_MS, VERDICTS_KEPT, VERDICTS_MAX, type VerdictHistory } from './verdict-history.ts';

/** What closed slots said before a verdict changed, by kind and start. */
export interface FormerSlots {
  readonly kind: SlotKind;
  readonly start: number;
  readonly shares: readonly SlotShare[];
}

/** Stands in a column for times that are not known: after a restart without a snapshot. */
const NOT_KNOWN = 0xffff_ffff;

export class SlotTimes {
  readonly columns = new Columns({
    /** Start of the first hour that is not closed, in hours since the epoch; 0 before anything is known. */
    openHour: Uint32Array,
    hourUp: Uint32Array,
    hourDown: Uint32Array,
    hourUnknown: Uint32Array,
    hourTransitions: Uint32Array,
    dayUp: Uint32Array,
    dayDown: Uint32Array,
    dayUnknown: Uint32Array,
    dayTransitions: Uint32Array,
  });
  readonly #history: VerdictHistory;

  constructor(history: VerdictHistory) {
    this.#history = history;
  }

  /** A device became known at `at`: unknown before. */
  begin(row: number, at: number): void {
    this.columns.reach(row);
    this.columns.clear(row);
    this.setOpenFrom(row, slotStart(at, HOUR_MS));
    for (const kind of SLOT_KINDS) {
      const unknownMs = at - slotStart(at, kind.lengthMs);
      this.#setBefore(row, kind, { upMs: 0, downMs: 0, unknownMs, transitions: 0 });
    }
  }

  /** A device is known since before anything that can be read: its earlier times in that slot are not. */
  beginMidway(row: number, at: number): void {
    this.begin(row, at);
    this.loseBefore(row);
  }

  /** The start of the first hour that is not closed. */
  openFrom(row: number): number {
    return (this.columns.of.openHour[row] as number) * HOUR_MS;
  }

  setOpenFrom(row: number, hour: number): void {
    this.columns.of.openHour[row] = Math.max(0, hour / HOUR_MS);
  }

  shares(row: number, kind: SlotKind, start: number): SlotShare[] {
    return slotShares(this.#history.all(row), this.#before(row, kind), start, start + kind.lengthMs);
  }

  /** How many of the oldest verdicts no evidence can disprove any more and no open slot needs. */
  settled(row: number): number {
    return settledIn(this.#history, row, this.openFrom(row));
  }

  /** The oldest verdict is about to be dropped: what it held of the next one's slots stands before that then. */
  passOn(row: number): void {
    for (const kind of SLOT_KINDS) this.#setBefore(row, kind, this.#beforeSecond(row, kind));
  }

  /** What was before the oldest verdict is no longer known. */
  loseBefore(row: number): void {
    this.columns.of.hourUnknown[row] = NOT_KNOWN;
    this.columns.of.dayUnknown[row] = NOT_KNOWN;
  }

  /** The closed slots that a change at `at` may touch, as they are now; to be compared by {@link putRight}. */
  closedSince(row: number, at: number): FormerSlots[] {
    const openFrom = this.openFrom(row);
    if (at >= openFrom) return [];
    const verdicts = this.#history.all(row);
    const oldestAt = verdicts[0]?.at ?? at;
    const former: FormerSlots[] = [];
    for (const kind of SLOT_KINDS) {
      const closedTo = slotStart(openFrom, kind.lengthMs);
      for (let start = slotStart(at, kind.lengthMs); start < closedTo; start += kind.lengthMs) {
        if (oldestAt > start && this.#isNotKnown(row, kind)) continue;
        const shares = slotShares(verdicts, this.#before(row, kind), start, start + kind.lengthMs);
        former.push({ kind, start, shares });
      }
    }
    return former;
  }

  /** Lines for those of the closed slots whose times are no longer what they were. */
  putRight(
    row: number,
    former: readonly FormerSlots[],
    deviceClass: string,
    device: string,
    rev: number,
  ): string[] {
    if (former.length === 0) return [];
    const verdicts = this.#history.all(row);
    return former.flatMap(({ kind, start, shares }) => {
      const now = slotShares(verdicts, this.#before(row, kind), start, start + kind.lengthMs);
      const left = shares.filter(({ site }) => !now.some((share) => share.site === site)).map(nothingAt);
      const told = [...now, ...left];
      const isSame = told.every((share) =>
        sameShare(
          share,
          shares.find(({ site }) => site === share.site),
        ),
      );
      // All sites together: whoever takes the contents with the greatest `rev` has the whole slot then.
      return isSame
        ? []
        : told.map((share) => formatRestatedSlot(kind, { deviceClass, device }, share, start, rev));
    });
  }

  #before(row: number, kind: SlotKind): ShareBefore {
    const of = this.columns.of;
    const [up, down, unknown, transitions] =
      kind === HOUR
        ? [of.hourUp, of.hourDown, of.hourUnknown, of.hourTransitions]
        : [of.dayUp, of.dayDown, of.dayUnknown, of.dayTransitions];
    const unknownMs = unknown[row] as number;
    return {
      upMs: up[row] as number,
      downMs: down[row] as number,
      unknownMs: unknownMs === NOT_KNOWN ? this.#sinceStart(row, kind) : unknownMs,
      transitions: transitions[row] as number,
    };
  }

  #setBefore(row: number, kind: SlotKind, before: ShareBefore): void {
    const of = this.columns.of;
    const [up, down, unknown, transitions] =
      kind === DAY
        ? [of.dayUp, of.dayDown, of.dayUnknown, of.dayTransitions]
        : [of.hourUp, of.hourDown, of.hourUnknown, of.hourTransitions];
    up[row] = before.upMs;
    down[row] = before.downMs;
    unknown[row] = before.unknownMs;
    transitions[row] = before.transitions;
  }

  #isNotKnown(row: number, kind: SlotKind): boolean {
    const { hourUnknown, dayUnknown } = this.columns.of;
    return (kind === HOUR ? hourUnknown : dayUnknown)[row] === NOT_KNOWN;
  }

  #sinceStart(row: number, kind: SlotKind): number {
    const at = this.#history.at(row, 0);
    return at - slotStart(at, kind.lengthMs);
  }

  /** What the slot of the second verdict held before it. */
  #beforeSecond(row: number, kind: SlotKind): ShareBefore {
    const first = this.#history.verdict(row, 0);
    const second = this.#history.verdict(row, 1);
    const start = slotStart(second.at, kind.lengthMs);
    const nothing = { upMs: 0, downMs: 0, unknownMs: 0, transitions: 0 };
    if (first.site !== second.site) return nothing;
    const isSameSlot = first.at >= start;
    if (isSameSlot && this.#isNotKnown(row, kind)) return { ...nothing, unknownMs: NOT_KNOWN };
    const before = isSameSlot ? { ...this.#before(row, kind) } : nothing;
    addTime(before, availability(first.state, first.reason as Reason), second.at - Math.max(start, first.at));
    return isSameSlot ? { ...before, transitions: before.transitions + 1 } : before;
  }
}

/** A site at which the device turned out not to have been. */
function nothingAt({ site }: SlotShare): SlotShare {
  return { site, upMs: 0, downMs: 0, unknownMs: 0, transitions: 0, stateEnd: 'retired' };
}

/** How many of the oldest verdicts of a row are settled, when slots are open from `openFrom` on. */
export function settledIn(history: VerdictHistory, row: number, openFrom: number): number {
  const kept = history.kept(row);
  if (kept < 2) return 0;
  const restatableFrom = history.at(row, kept - 1) - RESTATABLE_MS;
  let settled = 0;
  while (settled < kept - 1) {
    const endedAt = history.at(row, settled + 1);
    const isClosed = slotStart(endedAt, HOUR_MS) <= openFrom;
    const left = kept - settled;
    if (left <= VERDICTS_MAX && !(isClosed && (endedAt <= restatableFrom || left > VERDICTS_KEPT))) break;
    settled++;
  }
  return settled;
}
