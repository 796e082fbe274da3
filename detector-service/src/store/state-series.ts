/**
 * The series `device_state`: verdicts in, lines of cumulative totals out.
 *
 * A device's *life* is its stay at one site, from its first verdict there until it is retired or moves. Within a
 * life every point carries the time up, down and unknown since the life began, so that two points are enough to
 * know what lay between them. A device that moves, or comes back after it was retired, begins a new life at zero.
 *
 * Instants are strictly increasing within a device: a verdict that is not later than the one before it is moved
 * to one millisecond after it, and says so (`bumped_ms`). At every UTC midnight the verdict is carried forward
 * in a checkpoint, so nobody ever has to look back further than 25 hours. A verdict that arrives late, or is
 * restated, rewrites the points after it in place: the same instants, with a `rev` that says when.
 *
 * The same verdicts in the same order give the same bytes. There is no clock in here.
 */
import type { Reason, Transition } from '../detector/transition.ts';
import { CHECKPOINT_MEASUREMENT, checkpointMark, loadingStart, midnightMarked } from './checkpoint-mark.ts';
import { DeviceRows } from './device-rows.ts';
import type { JournalReader } from './journal-reader.ts';
import {
  newLife,
  requestedAt,
  type Span,
  says,
  spanBehind,
  spansOf,
  verdictOf,
  verdictPoint,
} from './life.ts';
import type { LatestVerdict, StateSeriesCounters } from './series-report.ts';
import { type SlotTimes, settledIn } from './slot-times.ts';
import {
  formatStateLine,
  parseStateLine,
  STATE_MEASUREMENT,
  type StatePoint,
  stateKey,
} from './state-line.ts';
import { pointsFrom, type RevOf } from './state-points.ts';
import { dayStart, nextMidnight } from './utc-day.ts';
import { type Verdict, VerdictHistory } from './verdict-history.ts';

/** What a restart has to read back. */
const STATE_MEASUREMENTS = [STATE_MEASUREMENT, CHECKPOINT_MEASUREMENT];

export function createStateSeries(): StateSeries {
  return new StateSeries(new DeviceRows(), new VerdictHistory());
}

export class StateSeries {
  readonly #rows: DeviceRows;
  readonly #history: VerdictHistory;
  readonly #slots: SlotTimes | undefined;
  readonly #onRemove: (row: number) => void;
  #checkpointAt = Number.NEGATIVE_INFINITY;
  #rev = Number.NEGATIVE_INFINITY;
  #verdicts = 0;
  #bumped = 0;
  #restatedPoints = 0;
  #restatementsTooOld = 0;

  /** On rows that it may share with other books; `slots` are those that its verdicts fill. */
  constructor(
    rows: DeviceRows,
    history: VerdictHistory,
    slots?: SlotTimes,
    onRemove: (row: number) => void = () => {},
  ) {
    this.#rows = rows;
    this.#history = history;
    this.#slots = slots;
    this.#onRemove = onRemove;
  }

  /**
   * Takes up where a journal ends. Reads back to the newest midnight at which every device had a checkpoint,
   * however long ago that was. To be called once, on an empty series.
   */
  async load(journal: JournalReader): Promise<void> {
    const from = await loadingStart(journal);
    for await (const { lines } of journal.read(from, undefined, { measurements: STATE_MEASUREMENTS })) {
      for (const line of lines) this.recall(line);
    }
  }

  /**
   * Lines for one verdict, in order: missed checkpoints, the verdict, what is put right. Empty when the verdict was the
   * last one recorded already. Append them before anything else is recorded.
   * @throws RangeError when `at` is no whole number of milliseconds.
   */
  record(transition: Transition): string[] {
    if (!Number.isSafeInteger(transition.at)) {
      throw new RangeError(`a verdict needs a whole number of milliseconds, not ${transition.at}`);
    }
    const row = this.#rows.find(transition.deviceClass, transition.device);
    if (row < 0) return this.#begin(transition);
    const newest = this.#history.newest(row);
    const former = this.#slots?.closedSince(row, transition.at) ?? [];
    let lines: string[];
    if (transition.restated && transition.at <= newest.at) lines = this.#restate(row, transition);
    else lines = says(newest, transition) ? [] : this.#follow(row, newest, transition);
    if (former.length === 0 || lines.length === 0) return lines;
    const { deviceClass, device } = transition;
    return [...lines, ...(this.#slots?.putRight(row, former, deviceClass, device, this.#rev) ?? [])];
  }

  /**
   * Lines that carry every device over all midnights up to `upTo`, device by device; devices retired before are
   * forgotten. Lazy: what was taken must be appended before anything else is recorded, as `writeInPieces` does.
   */
  *checkpoints(upTo: number): Iterable<string[]> {
    const midnight = dayStart(upTo);
    if (midnight <= this.#checkpointAt) return;
    this.#forgetRetired(midnight);
    for (const row of this.#rows.all()) yield this.#carryForward(row, midnight);
    this.#checkpointAt = midnight;
    yield [checkpointMark(midnight, this.#rows.size)];
  }

  /** In no particular order; retired devices until the next checkpoint. */
  *latest(): Iterable<LatestVerdict> {
    for (const row of this.#rows.all()) {
      const { state, reason, at, phi, site } = this.#history.newest(row);
      yield { ...this.#rows.keyOf(row), site, state, reason: reason as Reason, at, phi };
    }
  }

  counters(): StateSeriesCounters {
    return {
      devices: this.#rows.size,
      verdicts: this.#verdicts,
      bumped: this.#bumped,
      restatedPoints: this.#restatedPoints,
      restatementsTooOld: this.#restatementsTooOld,
    };
  }

  /** Midnight of the last checkpoint, and the greatest `rev` given; for a snapshot. */
  get marks(): { checkpointAt: number; rev: number } {
    return { checkpointAt: this.#checkpointAt, rev: this.#rev };
  }

  restoreMarks(checkpointAt: number, rev: number): void {
    this.#checkpointAt = checkpointAt;
    this.#rev = rev;
  }

  /**
   * Takes a line of the journal into the history, so that what is recorded next comes out as without a restart.
   * @returns false for a line that is damaged
   */
  recall(line: string): boolean {
    const point = parseStateLine(line);
    if (point === undefined) return this.#recallCheckpoint(line);
    this.#recallPoint(point);
    return true;
  }

  #begin(transition: Transition): string[] {
    const row = this.#rows.add(transition.deviceClass, transition.device);
    this.#history.add(row);
    this.#slots?.begin(row, transition.at);
    this.#history.setCounted(row, newLife(transition.from));
    this.#history.push(row, verdictOf(transition, transition.at, undefined));
    this.#history.setCoveredTo(row, dayStart(transition.at));
    this.#verdicts++;
    return this.#pointsFrom(row, transition.at, () => undefined);
  }

  #follow(row: number, newest: Verdict, transition: Transition): string[] {
    const at = Math.max(transition.at, newest.at + 1);
    const rev = this.#nextRev(transition);
    const lines = this.#carryForward(row, at - 1);
    const covered = this.#history.coveredTo(row);
    // A device that comes back after it was retired may be anywhere.
    const verdict = verdictOf(transition, at, newest.state === 'retired' ? undefined : newest.site);
    this.#push(row, verdict);
    this.#history.setCoveredTo(row, Math.max(covered, dayStart(at)));
    this.#verdicts++;
    if (at !== transition.at) this.#bumped++;
    if (at > covered && verdict.site === newest.site) return [...lines, this.#verdictLine(row, verdict)];
    const restated = (point: number) => (point <= covered && point === dayStart(point) ? rev : undefined);
    return [...lines, ...this.#pointsFrom(row, at, restated, at)];
  }

  #restate(row: number, transition: Transition): string[] {
    let index = this.#history.kept(row) - 1;
    while (index >= 0 && requestedAt(this.#history.verdict(row, index)) !== transition.at) index--;
    if (index < 0) {
      this.#restatementsTooOld++;
      return [];
    }
    const before = this.#history.verdict(row, index);
    if (says(before, transition)) return [];
    const { bumpedMs, site } = before;
    const rev = this.#nextRev(transition);
    this.#history.setVerdict(row, index, { ...verdictOf(transition, before.at, site), bumpedMs, site });
    this.#verdicts++;
    return this.#pointsFrom(row, before.at, () => rev);
  }

  /** When history is put right; grows with every change, even of one millisecond. */
  #nextRev({ noticedAt }: Transition): number {
    this.#rev = Math.max(Math.floor(noticedAt), this.#rev + 1);
    return this.#rev;
  }

  /** Checkpoints at the midnights up to `upTo` that have none. */
  #carryForward(row: number, upTo: number): string[] {
    const newest = this.#history.newest(row);
    const first = nextMidnight(Math.max(newest.at, this.#history.coveredTo(row)));
    if (first > upTo || newest.state === 'retired') return [];
    this.#history.setCoveredTo(row, dayStart(upTo));
    return this.#pointsFrom(row, first, () => undefined);
  }

  /** The line of a new verdict that moves nothing and stands behind every checkpoint: nearly all of them. */
  #verdictLine(row: number, verdict: Verdict): string {
    const { deviceClass, device } = this.#rows.keyOf(row);
    const counted = this.#history.countedAt(row, this.#history.kept(row) - 1);
    const point = verdictPoint({ verdict, counted, endsAt: Number.POSITIVE_INFINITY }, undefined);
    return formatStateLine(stateKey(deviceClass, device, verdict.site), point);
  }

  /** Lines of {@link pointsFrom} for a row. */
  #pointsFrom(row: number, from: number, revOf: RevOf, newVerdictAt?: number): string[] {
    const spans = this.#spans(row);
    const coveredTo = this.#history.coveredTo(row);
    const points = pointsFrom(spans, { from, coveredTo, revOf, newVerdictAt });
    const { deviceClass, device } = this.#rows.keyOf(row);
    return points.map(({ site, point }) => {
      if (point.rev !== undefined) this.#restatedPoints++;
      return formatStateLine(stateKey(deviceClass, device, site), point);
    });
  }

  #spans(row: number): Span[] {
    return spansOf(this.#history.all(row), this.#history.counted(row));
  }

  #push(row: number, verdict: Verdict): void {
    this.#history.push(row, verdict);
    this.#forgetSettled(row);
  }

  /** Drops verdicts that are beyond being restated; what they counted stands before the next one. */
  #forgetSettled(row: number): void {
    const settled = this.#slots?.settled(row) ?? settledIn(this.#history, row, Number.POSITIVE_INFINITY);
    if (settled === 0) return;
    const counted = this.#history.countedAt(row, settled);
    for (let index = 0; index < settled; index++) {
      this.#slots?.passOn(row);
      this.#history.shift(row);
    }
    this.#history.setCounted(row, counted);
  }

  /** Who was retired before a midnight is in no slot that is still open. */
  #forgetRetired(midnight: number): void {
    for (const row of this.#rows.all()) {
      const { state, at } = this.#history.newest(row);
      if (state !== 'retired' || at >= midnight) continue;
      this.#onRemove(row);
      this.#history.remove(row);
      this.#rows.remove(row);
    }
  }

  #recallPoint(point: StatePoint): void {
    if (point.rev !== undefined) this.#rev = Math.max(this.#rev, point.rev);
    if (point.reason === 'moved') return;
    const { verdict, counted } = spanBehind(point);
    let row = this.#rows.find(point.deviceClass, point.device);
    if (row < 0) {
      row = this.#rows.add(point.deviceClass, point.device);
      this.#history.add(row);
      const isWhole = point.seq === 1 && point.heldMs === undefined;
      if (isWhole) this.#slots?.begin(row, verdict.at);
      else this.#slots?.beginMidway(row, verdict.at);
      this.#history.setCounted(row, counted);
      this.#history.push(row, verdict);
    } else {
      this.#recallLater(row, verdict, counted);
    }
    this.#history.setCoveredTo(row, Math.max(this.#history.coveredTo(row), dayStart(point.at)));
  }

  #recallLater(row: number, verdict: Verdict, counted: Span['counted']): void {
    for (let index = this.#history.kept(row) - 1; index >= 0; index--) {
      if (this.#history.at(row, index) !== verdict.at) continue;
      this.#history.setVerdict(row, index, verdict);
      // A verdict further back was restated, which moved the totals of the oldest one that is known here.
      if (index === 0) this.#history.setCounted(row, counted);
      return;
    }
    if (verdict.at < this.#history.newest(row).at) return;
    this.#push(row, verdict);
    const expected = this.#history.countedAt(row, this.#history.kept(row) - 1);
    if (JSON.stringify(expected) === JSON.stringify(counted)) return;
    // Something before is missing in the journal, or a retired device was forgotten: trust what was written.
    this.#history.clear(row);
    this.#history.setCounted(row, counted);
    this.#history.push(row, verdict);
    this.#slots?.loseBefore(row);
  }

  #recallCheckpoint(line: string): boolean {
    const midnight = midnightMarked(line);
    if (midnight === undefined) return false;
    this.#checkpointAt = Math.max(this.#checkpointAt, midnight);
    this.#forgetRetired(midnight);
    return true;
  }
}
