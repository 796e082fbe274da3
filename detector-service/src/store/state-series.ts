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
 * restated, rewrites the points after it in place: the same instants with `restated=true`.
 *
 * The same verdicts in the same order give the same bytes. There is no clock in here.
 */
import type { Reason, State, Transition } from '../detector/transition.ts';
import { checkpointMark, loadingStart, midnightMarked } from './checkpoint-mark.ts';
import type { JournalReader } from './journal.ts';
import {
  checkpointPoint,
  farewellPoint,
  newLife,
  requestedAt,
  type Span,
  says,
  spanBehind,
  spansOf,
  verdictOf,
  verdictPoint,
} from './life.ts';
import { formatStateLine, parseStateLine, type StatePoint, stateKey } from './state-line.ts';
import { DAY_MS, dayStart, nextMidnight } from './utc-day.ts';
import { VERDICTS_KEPT, type Verdict, VerdictHistory } from './verdict-history.ts';

/** A gap of more midnights than this is a clock that jumped; only the last ones get checkpoints. */
const CHECKPOINTS_IN_A_ROW_MAX = 400;

/** The verdict a device was last given: what a detector has to adopt after a crash. */
export interface LatestVerdict {
  readonly deviceClass: string;
  readonly device: string;
  readonly site?: string | undefined;
  readonly state: State;
  readonly reason: Reason;
  readonly at: number;
  readonly phi: number;
}

export interface StateSeriesCounters {
  readonly devices: number;
  readonly verdicts: number;
  /** Verdicts moved because their instant was not after the one before. */
  readonly bumped: number;
  /** Points written again with other content. */
  readonly restatedPoints: number;
  /** Restatements of a verdict that lies further back than the last four; nothing was written for them. */
  readonly restatementsTooOld: number;
}

export interface StateSeries {
  /**
   * Takes up where a journal ends. Reads back to the newest midnight at which every device had a checkpoint,
   * however long ago that was. To be called once, on an empty series.
   */
  load(journal: JournalReader): Promise<void>;
  /**
   * Lines for one verdict, in order: missed checkpoints, the verdict, restated points. Empty when the verdict was
   * the last one recorded already. Append them before anything else is recorded.
   * @throws RangeError when `at` is no whole number of milliseconds.
   */
  record(transition: Transition): string[];
  /**
   * Lines that carry every device over all midnights up to `upTo`; devices retired before are forgotten. Lazy:
   * what was taken must be appended before anything else is recorded, as `writeCheckpoints` does.
   */
  checkpoint(upTo: number): Iterable<string>;
  /** In no particular order; retired devices until the next checkpoint. */
  latest(): Iterable<LatestVerdict>;
  counters(): StateSeriesCounters;
}

export function createStateSeries(): StateSeries {
  return new Series();
}

class Series implements StateSeries {
  readonly #rows = new Map<string, number>();
  readonly #history = new VerdictHistory();
  #checkpointAt = Number.NEGATIVE_INFINITY;
  #verdicts = 0;
  #bumped = 0;
  #restatedPoints = 0;
  #restatementsTooOld = 0;

  async load(journal: JournalReader): Promise<void> {
    for await (const { lines } of journal.read(await loadingStart(journal))) {
      for (const line of lines) {
        const point = parseStateLine(line);
        if (point !== undefined) this.#recall(point);
        else this.#recallCheckpoint(line);
      }
    }
  }

  record(transition: Transition): string[] {
    if (!Number.isSafeInteger(transition.at)) {
      throw new RangeError(`a verdict needs a whole number of milliseconds, not ${transition.at}`);
    }
    const name = `${transition.deviceClass}/${transition.device}`;
    const row = this.#rows.get(name);
    if (row === undefined) return this.#begin(name, transition);
    const newest = this.#newest(row);
    if (transition.restated && transition.at <= newest.at) return this.#restate(name, row, transition);
    return says(newest, transition) ? [] : this.#follow(name, row, newest, transition);
  }

  *checkpoint(upTo: number): Iterable<string> {
    const midnight = dayStart(upTo);
    if (midnight <= this.#checkpointAt) return;
    this.#forgetRetired();
    for (const [name, row] of this.#rows) yield* this.#carryForward(name, row, midnight);
    this.#checkpointAt = midnight;
    yield checkpointMark(midnight, this.#rows.size);
  }

  *latest(): Iterable<LatestVerdict> {
    for (const [name, row] of this.#rows) {
      const { state, reason, at, phi, site } = this.#newest(row);
      yield { ...partsOf(name), site, state, reason: reason as Reason, at, phi };
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

  #newest(row: number): Verdict {
    return this.#history.verdict(row, this.#history.kept(row) - 1);
  }

  #begin(name: string, transition: Transition): string[] {
    const row = this.#history.add();
    this.#rows.set(name, row);
    this.#history.setCounted(row, newLife(transition.from));
    this.#history.push(row, verdictOf(transition, transition.at, undefined));
    this.#history.setCoveredTo(row, dayStart(transition.at));
    this.#verdicts++;
    return this.#pointsFrom(name, row, transition.at, () => false);
  }

  #follow(name: string, row: number, newest: Verdict, transition: Transition): string[] {
    const at = Math.max(transition.at, newest.at + 1);
    const lines = this.#carryForward(name, row, at - 1);
    const covered = this.#history.coveredTo(row);
    // A device that comes back after it was retired may be anywhere.
    this.#push(row, verdictOf(transition, at, newest.state === 'retired' ? undefined : newest.site));
    this.#history.setCoveredTo(row, Math.max(covered, dayStart(at)));
    this.#verdicts++;
    if (at !== transition.at) this.#bumped++;
    return [
      ...lines,
      ...this.#pointsFrom(name, row, at, (point) => point <= covered && point === dayStart(point), at),
    ];
  }

  #restate(name: string, row: number, transition: Transition): string[] {
    let index = this.#history.kept(row) - 1;
    while (index >= 0 && requestedAt(this.#history.verdict(row, index)) !== transition.at) index--;
    if (index < 0) {
      this.#restatementsTooOld++;
      return [];
    }
    const before = this.#history.verdict(row, index);
    if (says(before, transition)) return [];
    const { bumpedMs, site } = before;
    this.#history.setVerdict(row, index, { ...verdictOf(transition, before.at, site), bumpedMs, site });
    this.#verdicts++;
    return this.#pointsFrom(name, row, before.at, () => true);
  }

  /** Checkpoints at the midnights up to `upTo` that have none. */
  #carryForward(name: string, row: number, upTo: number): string[] {
    const newest = this.#newest(row);
    const first = nextMidnight(Math.max(newest.at, this.#history.coveredTo(row)));
    if (first > upTo || newest.state === 'retired') return [];
    this.#history.setCoveredTo(row, dayStart(upTo));
    return this.#pointsFrom(name, row, first, () => false);
  }

  /**
   * Every point of a device from `from` to its last checkpoint, as its history now has it. A farewell is among
   * them when the move is new, or something before it has changed.
   */
  #pointsFrom(
    name: string,
    row: number,
    from: number,
    isRestated: (at: number) => boolean,
    newVerdictAt?: number,
  ): string[] {
    const { deviceClass, device } = partsOf(name);
    const covered = this.#history.coveredTo(row);
    const lines: string[] = [];
    const write = (site: string | undefined, point: Parameters<typeof formatStateLine>[1]): void => {
      lines.push(formatStateLine(stateKey(deviceClass, device, site), point));
      if (point.restated) this.#restatedPoints++;
    };
    for (const span of this.#spans(row)) {
      const { verdict, movedFrom } = span;
      const midnights = (last: number): number[] =>
        midnightsIn(Math.max(verdict.at, from - 1), last, covered);
      if (movedFrom && (verdict.at === newVerdictAt || movedFrom.verdict.at >= from)) {
        for (const at of [verdict.at, ...midnights(covered).filter(isRestated)]) {
          write(movedFrom.verdict.site, farewellPoint(movedFrom, verdict.at, at, isRestated(at)));
        }
      }
      if (verdict.at >= from) write(verdict.site, verdictPoint(span, isRestated(verdict.at)));
      for (const at of midnights(Math.min(covered, span.endsAt - 1))) {
        write(verdict.site, checkpointPoint(span, at, isRestated(at)));
      }
    }
    return lines;
  }

  #spans(row: number): Span[] {
    const verdicts = Array.from({ length: this.#history.kept(row) }, (_, k) => this.#history.verdict(row, k));
    return spansOf(verdicts, this.#history.counted(row));
  }

  #push(row: number, verdict: Verdict): void {
    const second = this.#history.kept(row) === VERDICTS_KEPT ? this.#spans(row)[1] : undefined;
    if (second !== undefined) this.#history.setCounted(row, second.counted);
    this.#history.push(row, verdict);
  }

  #forgetRetired(): void {
    for (const [name, row] of this.#rows) {
      if (this.#newest(row).state !== 'retired') continue;
      this.#rows.delete(name);
      this.#history.remove(row);
    }
  }

  /** Takes a point of the journal into the history, so that what is recorded next comes out as without a restart. */
  #recall(point: StatePoint): void {
    if (point.reason === 'moved') return;
    const name = `${point.deviceClass}/${point.device}`;
    const { verdict, counted } = spanBehind(point);
    let row = this.#rows.get(name);
    if (row === undefined) {
      row = this.#history.add();
      this.#rows.set(name, row);
      this.#history.setCounted(row, counted);
      this.#history.push(row, verdict);
    } else {
      this.#recallLater(row, verdict, counted);
    }
    this.#history.setCoveredTo(row, Math.max(this.#history.coveredTo(row), dayStart(point.at)));
  }

  #recallLater(row: number, verdict: Verdict, counted: Span['counted']): void {
    for (let index = this.#history.kept(row) - 1; index >= 0; index--) {
      const known = this.#history.verdict(row, index);
      if (known.at !== verdict.at) continue;
      this.#history.setVerdict(row, index, verdict);
      // A verdict further back was restated, which moved the totals of the oldest one that is known here.
      if (index === 0) this.#history.setCounted(row, counted);
      return;
    }
    if (verdict.at < this.#newest(row).at) return;
    this.#push(row, verdict);
    const expected = this.#spans(row).at(-1)?.counted;
    if (JSON.stringify(expected) === JSON.stringify(counted)) return;
    // Something before is missing in the journal, or a retired device was forgotten: trust what was written.
    this.#history.clear(row);
    this.#history.setCounted(row, counted);
    this.#history.push(row, verdict);
  }

  #recallCheckpoint(line: string): void {
    const midnight = midnightMarked(line);
    if (midnight === undefined) return;
    this.#checkpointAt = Math.max(this.#checkpointAt, midnight);
    this.#forgetRetired();
  }
}

/** Midnights with after < midnight ≤ last, but of a very long row up to `covered` only the last ones. */
function midnightsIn(after: number, last: number, covered: number): number[] {
  const midnights: number[] = [];
  const first = nextMidnight(Math.max(after, covered - CHECKPOINTS_IN_A_ROW_MAX * DAY_MS));
  for (let at = first; at <= last; at += DAY_MS) midnights.push(at);
  return midnights;
}

function partsOf(name: string): { deviceClass: string; device: string } {
  const slash = name.indexOf('/');
  return { deviceClass: name.slice(0, slash), device: name.slice(slash + 1) };
}
