/**
 * The latest verdicts of every device, and what had been counted before them.
 *
 * Later evidence can disprove a verdict after others have followed it, and every point after it has to be put right
 * then; so those that ended within the last 25 hours are kept, and always the newest. They lie in blocks of one
 * array of numbers, and a device has the smallest block that holds its own: mostly one or two verdicts, 32 bytes each.
 */
import { availability, type Reason, STATES, type State } from '../detector/transition.ts';
import { Columns } from './columns.ts';
import { Words } from './words.ts';

/** Verdicts that ended longer ago than this can no longer be restated. */
export const RESTATABLE_MS = 25 * 3_600_000;

/** Verdicts kept of one device, however often it changes; more only while a slot that they tell of is open. */
export const VERDICTS_KEPT = 64;

/** And never more than this. */
export const VERDICTS_MAX = 250;

export interface Verdict {
  readonly at: number;
  /** `at` minus the instant asked for; positive when it had to stay behind the verdict before it. */
  readonly bumpedMs: number;
  readonly state: State;
  readonly reason: string;
  readonly phi: number;
  readonly site: string | undefined;
}

/** What stands before the oldest verdict kept. */
export interface Counted {
  readonly upMs: number;
  readonly downMs: number;
  readonly unknownMs: number;
  /** Number of the oldest verdict kept. */
  readonly seq: number;
  readonly previous: State;
  readonly previousMs: number;
}

/** Numbers per verdict: its instant, its bump, its φ, and state, reason and site packed into one. */
const WIDTH = 4;
const STATE_SPAN = 8;
const REASON_SPAN = 65_536;

export class VerdictHistory {
  readonly columns = new Columns({
    /** The last midnight that needs no further checkpoint. */
    covered: Float64Array,
    up: Float64Array,
    down: Float64Array,
    unknown: Float64Array,
    previousMs: Float64Array,
    seq: Uint32Array,
    /** Place of the device's block. */
    block: Uint32Array,
    previous: Uint8Array,
    kept: Uint8Array,
    /** 0 for no block, n for one of 2^(n−1) verdicts. */
    size: Uint8Array,
  });
  readonly reasons = new Words();
  readonly sites = new Words();
  #verdicts = new Float64Array(WIDTH * 64);
  #used = 0;
  /** Free blocks by size. */
  readonly #free: number[][] = [];

  /** An empty row for a new device. */
  add(row: number): void {
    this.columns.reach(row);
    this.columns.clear(row);
  }

  remove(row: number): void {
    this.#release(row);
    this.columns.clear(row);
  }

  /** Forgets the verdicts of a row. */
  clear(row: number): void {
    this.columns.of.kept[row] = 0;
  }

  /** How many verdicts are kept; they are numbered from 0, the oldest. */
  kept(row: number): number {
    return this.columns.of.kept[row] as number;
  }

  /** The last midnight that needs no further checkpoint. */
  coveredTo(row: number): number {
    return this.columns.of.covered[row] as number;
  }

  setCoveredTo(row: number, midnight: number): void {
    this.columns.of.covered[row] = midnight;
  }

  counted(row: number): Counted {
    const { up, down, unknown, seq, previous, previousMs } = this.columns.of;
    return {
      upMs: up[row] as number,
      downMs: down[row] as number,
      unknownMs: unknown[row] as number,
      seq: seq[row] as number,
      previous: STATES[previous[row] as number] as State,
      previousMs: previousMs[row] as number,
    };
  }

  setCounted(row: number, counted: Counted): void {
    const { up, down, unknown, seq, previous, previousMs } = this.columns.of;
    up[row] = counted.upMs;
    down[row] = counted.downMs;
    unknown[row] = counted.unknownMs;
    seq[row] = counted.seq;
    previous[row] = STATES.indexOf(counted.previous);
    previousMs[row] = counted.previousMs;
  }

  /** The instant of a verdict, without the rest of it. */
  at(row: number, index: number): number {
    return this.#verdicts[this.#start(row, index)] as number;
  }

  verdict(row: number, index: number): Verdict {
    const start = this.#start(row, index);
    const packed = this.#verdicts[start + 3] as number;
    const words = Math.floor(packed / STATE_SPAN);
    return {
      at: this.#verdicts[start] as number,
      bumpedMs: this.#verdicts[start + 1] as number,
      phi: this.#verdicts[start + 2] as number,
      state: STATES[packed % STATE_SPAN] as State,
      reason: this.reasons.text(words % REASON_SPAN) as string,
      site: this.sites.text(Math.floor(words / REASON_SPAN)),
    };
  }

  newest(row: number): Verdict {
    return this.verdict(row, this.kept(row) - 1);
  }

  all(row: number): Verdict[] {
    return Array.from({ length: this.kept(row) }, (_, index) => this.verdict(row, index));
  }

  setVerdict(row: number, index: number, verdict: Verdict): void {
    const start = this.#start(row, index);
    const words = this.reasons.number(verdict.reason) + REASON_SPAN * this.sites.number(verdict.site);
    this.#verdicts[start] = verdict.at;
    this.#verdicts[start + 1] = verdict.bumpedMs;
    this.#verdicts[start + 2] = verdict.phi;
    this.#verdicts[start + 3] = STATES.indexOf(verdict.state) + STATE_SPAN * words;
  }

  /** What had been counted when the verdict of number `index` began; as `spansOf` would say, without its objects. */
  countedAt(row: number, index: number): Counted {
    const counted: { -readonly [K in keyof Counted]: Counted[K] } = this.counted(row);
    let at = this.at(row, 0);
    let packed = this.#packed(row, 0);
    for (let next = 1; next <= index; next++) {
      const nextAt = this.at(row, next);
      const nextPacked = this.#packed(row, next);
      const state = STATES[packed % STATE_SPAN] as State;
      const words = Math.floor(packed / STATE_SPAN);
      const isNewLife =
        state === 'retired' ||
        Math.floor(words / REASON_SPAN) !== Math.floor(nextPacked / STATE_SPAN / REASON_SPAN);
      if (isNewLife) counted.upMs = counted.downMs = counted.unknownMs = counted.seq = 0;
      else {
        const counts = availability(state, this.reasons.text(words % REASON_SPAN) as Reason);
        if (counts === 1) counted.upMs += nextAt - at;
        else if (counts === 0) counted.downMs += nextAt - at;
        else counted.unknownMs += nextAt - at;
      }
      counted.seq++;
      counted.previous = state;
      counted.previousMs = nextAt - at;
      at = nextAt;
      packed = nextPacked;
    }
    return counted;
  }

  /** Adds the newest verdict. There must be less than {@link VERDICTS_MAX}. */
  push(row: number, verdict: Verdict): void {
    const { kept, size } = this.columns.of;
    const count = kept[row] as number;
    if (count === capacity(size[row] as number)) this.#enlarge(row);
    kept[row] = count + 1;
    this.setVerdict(row, count, verdict);
  }

  /** Drops the oldest verdict; `counted` must be set for the second one then. */
  shift(row: number): void {
    const count = this.kept(row);
    const start = this.#start(row, 0);
    this.#verdicts.copyWithin(start, start + WIDTH, start + count * WIDTH);
    this.columns.of.kept[row] = count - 1;
  }

  /** The kept verdicts of rows `from` to `to`, one behind the other: for a snapshot. */
  gathered(from: number, to: number): Float64Array {
    let verdicts = 0;
    for (let row = from; row < to; row++) verdicts += this.kept(row);
    const dense = new Float64Array(verdicts * WIDTH);
    let end = 0;
    for (let row = from; row < to; row++) {
      const start = this.#start(row, 0);
      dense.set(this.#verdicts.subarray(start, start + this.kept(row) * WIDTH), end);
      end += this.kept(row) * WIDTH;
    }
    return dense;
  }

  /** Takes over what {@link gathered} gave, after the columns of these rows were restored. */
  restore(dense: Float64Array, from: number, to: number): void {
    const { kept, size, block } = this.columns.of;
    let start = 0;
    for (let row = from; row < to; row++) {
      const count = kept[row] as number;
      // The blocks are cut anew; where they lay before means nothing.
      size[row] = 0;
      if (count === 0) continue;
      const wanted = 1 + Math.ceil(Math.log2(count));
      block[row] = this.#allot(capacity(wanted));
      size[row] = wanted;
      this.#verdicts.set(dense.subarray(start, start + count * WIDTH), this.#start(row, 0));
      start += count * WIDTH;
    }
  }

  #packed(row: number, index: number): number {
    return this.#verdicts[this.#start(row, index) + 3] as number;
  }

  #start(row: number, index: number): number {
    return ((this.columns.of.block[row] as number) + index) * WIDTH;
  }

  #enlarge(row: number): void {
    const { block, size, kept } = this.columns.of;
    const from = this.#start(row, 0);
    const length = (kept[row] as number) * WIDTH;
    const wanted = (size[row] as number) + 1;
    const fresh = this.#free[wanted]?.pop() ?? this.#allot(capacity(wanted));
    this.#verdicts.copyWithin(fresh * WIDTH, from, from + length);
    this.#release(row);
    block[row] = fresh;
    size[row] = wanted;
  }

  #allot(verdicts: number): number {
    const first = this.#used;
    this.#used += verdicts;
    if (this.#used * WIDTH > this.#verdicts.length) {
      const larger = new Float64Array(Math.ceil(this.#used * 1.25) * WIDTH);
      larger.set(this.#verdicts);
      this.#verdicts = larger;
    }
    return first;
  }

  #release(row: number): void {
    const { block, size } = this.columns.of;
    const former = size[row] as number;
    if (former === 0) return;
    this.#free[former] ??= [];
    this.#free[former].push(block[row] as number);
    size[row] = 0;
  }
}

/** Verdicts in a block of a size. */
function capacity(size: number): number {
  return size === 0 ? 0 : 2 ** (size - 1);
}
