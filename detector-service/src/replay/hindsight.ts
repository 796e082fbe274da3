/**
 * What fixed timeouts would have done on this very trace: "dead after m times the expected silence", for every m at
 * once, and the best m chosen afterwards. Nobody can choose so in advance; it is the bar for those who must.
 *
 * A silence of g with e expected is a mistake of every m below g/e. So all of them are counted in buckets of g/e,
 * fine enough for a multiple to be right to half a percent, and sums over buckets give mistakes and detection time.
 */

/** Relative width of a bucket. */
const WIDTH = 1.005;
const PER_LOG = 1 / Math.log(WIDTH);

interface Bucket {
  silences: number;
  /** Σ g², Σ g·e and Σ e² of its silences: what the mean detection time of a multiple is made of. */
  gapSquares: number;
  gapExpected: number;
  expectedSquares: number;
}

/** One fixed multiple on the trace. */
export interface FixedMultiple {
  readonly multiple: number;
  readonly falseAlarms: number;
  /** Expected detection time of a death at a uniformly random instant. */
  readonly detectionMs: number;
}

export class Hindsight {
  readonly #buckets = new Map<number, Bucket>();
  #observedMs = 0;

  get observedMs(): number {
    return this.#observedMs;
  }

  /** Takes in a silence of a live device, and how long it was expected to be. */
  add(gapMs: number, expectedMs: number): void {
    if (!(gapMs > 0)) return;
    this.#observedMs += gapMs;
    const e = Math.max(1, expectedMs);
    const bucket = this.#bucket(Math.ceil(Math.log(gapMs / e) * PER_LOG));
    bucket.silences += 1;
    bucket.gapSquares += gapMs * gapMs;
    bucket.gapExpected += gapMs * e;
    bucket.expectedSquares += e * e;
  }

  /** Adds another's silences, with their detection times multiplied by `scale`. */
  addScaled(other: Hindsight, scale: number): void {
    this.#observedMs += other.#observedMs;
    for (const [index, { silences, gapSquares, gapExpected, expectedSquares }] of other.#buckets) {
      const bucket = this.#bucket(index);
      bucket.silences += silences;
      bucket.gapSquares += gapSquares * scale;
      bucket.gapExpected += gapExpected * scale;
      bucket.expectedSquares += expectedSquares * scale;
    }
  }

  /** Every multiple that differs from the next in its mistakes, ascending, hence with ever fewer mistakes. */
  curve(): FixedMultiple[] {
    const ascending = [...this.#buckets].sort(([a], [b]) => a - b);
    let falseAlarms = 0;
    let longerSquares = 0;
    for (const [, { silences, expectedSquares }] of ascending) {
      falseAlarms += silences;
      longerSquares += expectedSquares;
    }
    let linear = 0;
    let constant = 0;
    return ascending.map(([index, bucket]) => {
      const multiple = WIDTH ** index;
      falseAlarms -= bucket.silences;
      longerSquares -= bucket.expectedSquares;
      linear += bucket.gapExpected;
      constant += bucket.gapSquares / 2;
      // Silences shorter than the deadline give g·(m·e − g/2), longer ones (m·e)²/2.
      const integral = multiple * linear - constant + (multiple * multiple * Math.max(0, longerSquares)) / 2;
      return { multiple, falseAlarms, detectionMs: integral / this.#observedMs };
    });
  }

  /** The least multiple that makes at most so many mistakes; undefined when there was no silence. */
  best(falseAlarmsMax: number): FixedMultiple | undefined {
    return this.curve().find(({ falseAlarms }) => falseAlarms <= falseAlarmsMax);
  }

  #bucket(index: number): Bucket {
    let bucket = this.#buckets.get(index);
    if (bucket === undefined) {
      bucket = { silences: 0, gapSquares: 0, gapExpected: 0, expectedSquares: 0 };
      this.#buckets.set(index, bucket);
    }
    return bucket;
  }
}
