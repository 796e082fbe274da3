/**
 * The last few verdicts of every device, and what had been counted before them.
 *
 * A million devices must fit, so a device is a row of numbers in one array (192 bytes) and no object. Four
 * verdicts are kept because later evidence can disprove one after others have followed it (dead, then blind,
 * then heard again), and every point after it has to be put right.
 */
import { STATES, type State } from '../detector/transition.ts';

export const VERDICTS_KEPT = 4;

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

const COVERED = 0;
const KEPT = 1;
const UP = 2;
const DOWN = 3;
const UNKNOWN = 4;
const SEQ = 5;
const PREVIOUS = 6;
const PREVIOUS_MS = 7;
const VERDICTS = 8;

/** Numbers per verdict: its instant, its bump, its φ, and state, reason and site packed into one. */
const VERDICT_WIDTH = 4;
const ROW = VERDICTS + VERDICTS_KEPT * VERDICT_WIDTH;
const STATE_SPAN = 8;
const REASON_SPAN = 65_536;

export class VerdictHistory {
  #rows = new Float64Array(ROW * 64);
  #free: number[] = [];
  #used = 0;
  readonly #reasons = new Words();
  readonly #sites = new Words();

  /** An empty row for a new device. */
  add(): number {
    const row = this.#free.pop() ?? this.#used++;
    if ((row + 1) * ROW > this.#rows.length) {
      const larger = new Float64Array(this.#rows.length * 2);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    this.#rows.fill(0, row * ROW, (row + 1) * ROW);
    return row;
  }

  remove(row: number): void {
    this.#free.push(row);
  }

  /** Forgets the verdicts of a row. */
  clear(row: number): void {
    this.#rows[row * ROW + KEPT] = 0;
  }

  /** How many verdicts are kept; they are numbered from 0, the oldest. */
  kept(row: number): number {
    return this.#get(row, KEPT);
  }

  /** The last midnight that needs no further checkpoint. */
  coveredTo(row: number): number {
    return this.#get(row, COVERED);
  }

  setCoveredTo(row: number, midnight: number): void {
    this.#rows[row * ROW + COVERED] = midnight;
  }

  counted(row: number): Counted {
    return {
      upMs: this.#get(row, UP),
      downMs: this.#get(row, DOWN),
      unknownMs: this.#get(row, UNKNOWN),
      seq: this.#get(row, SEQ),
      previous: STATES[this.#get(row, PREVIOUS)] as State,
      previousMs: this.#get(row, PREVIOUS_MS),
    };
  }

  setCounted(row: number, counted: Counted): void {
    const start = row * ROW;
    this.#rows[start + UP] = counted.upMs;
    this.#rows[start + DOWN] = counted.downMs;
    this.#rows[start + UNKNOWN] = counted.unknownMs;
    this.#rows[start + SEQ] = counted.seq;
    this.#rows[start + PREVIOUS] = STATES.indexOf(counted.previous);
    this.#rows[start + PREVIOUS_MS] = counted.previousMs;
  }

  verdict(row: number, index: number): Verdict {
    const start = VERDICTS + index * VERDICT_WIDTH;
    const packed = this.#get(row, start + 3);
    const words = Math.floor(packed / STATE_SPAN);
    return {
      at: this.#get(row, start),
      bumpedMs: this.#get(row, start + 1),
      phi: this.#get(row, start + 2),
      state: STATES[packed % STATE_SPAN] as State,
      reason: this.#reasons.text(words % REASON_SPAN) as string,
      site: this.#sites.text(Math.floor(words / REASON_SPAN)),
    };
  }

  setVerdict(row: number, index: number, verdict: Verdict): void {
    const start = row * ROW + VERDICTS + index * VERDICT_WIDTH;
    const words = this.#reasons.number(verdict.reason) + REASON_SPAN * this.#sites.number(verdict.site);
    this.#rows[start] = verdict.at;
    this.#rows[start + 1] = verdict.bumpedMs;
    this.#rows[start + 2] = verdict.phi;
    this.#rows[start + 3] = STATES.indexOf(verdict.state) + STATE_SPAN * words;
  }

  /** Adds the newest verdict. When it does not fit, `counted` must already stand for the second oldest. */
  push(row: number, verdict: Verdict): void {
    const kept = this.kept(row);
    if (kept === VERDICTS_KEPT) {
      const start = row * ROW + VERDICTS;
      this.#rows.copyWithin(start, start + VERDICT_WIDTH, start + VERDICTS_KEPT * VERDICT_WIDTH);
      this.setVerdict(row, kept - 1, verdict);
      return;
    }
    this.setVerdict(row, kept, verdict);
    this.#rows[row * ROW + KEPT] = kept + 1;
  }

  #get(row: number, column: number): number {
    return this.#rows[row * ROW + column] as number;
  }
}

/** Reasons and sites are few and repeat: each is kept once. Number 0 is "none". */
class Words {
  readonly #texts: (string | undefined)[] = [undefined];
  readonly #numbers = new Map<string | undefined, number>([[undefined, 0]]);

  number(text: string | undefined): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#texts.push(text) - 1;
      this.#numbers.set(text, number);
    }
    return number;
  }

  text(number: number): string | undefined {
    return this.#texts[number];
  }
}
