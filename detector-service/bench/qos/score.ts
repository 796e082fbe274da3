/**
 * Chen, Toueg and Aguilera's measures, from deadlines and real gaps alone.
 *
 * A deadline that runs out before the next real arrival is a mistake. The detection time needs no simulated
 * deaths: a death at a uniformly random instant of the gap, `u` after its beginning, is noticed `deadline − u`
 * later (at once when the deadline had already passed), so the gap contributes the integral over u.
 */
export class Score {
  mistakes = 0;
  /** Sum over gaps of the integral of the detection time; milliseconds squared. */
  waitMs2 = 0;
  /** The same in units of the interval in force; milliseconds times intervals. */
  waitIntervals = 0;
  aliveMs = 0;
  gaps = 0;

  gap(gapMs: number, deadlineMs: number, intervalMs: number): void {
    const within = Math.min(gapMs, deadlineMs);
    const wait = deadlineMs * within - (within * within) / 2;
    if (gapMs > deadlineMs) this.mistakes++;
    this.waitMs2 += wait;
    this.waitIntervals += wait / intervalMs;
    this.aliveMs += gapMs;
    this.gaps++;
  }

  get mistakesPerYear(): number {
    return this.mistakes / (this.aliveMs / YEAR_MS);
  }
  /** E[T_D] in intervals. */
  get detection(): number {
    return this.waitIntervals / this.aliveMs;
  }
}

export const YEAR_MS = 365.25 * 86_400_000;

const BINS_PER_OCTAVE = 64;

/** Every fixed multiple of the interval at once: a histogram of gap/interval keeps all that is needed. */
export class FixedMultiples {
  readonly #count = new Float64Array(20 * BINS_PER_OCTAVE);
  readonly #gap = new Float64Array(20 * BINS_PER_OCTAVE);
  readonly #square = new Float64Array(20 * BINS_PER_OCTAVE);
  #aliveMs = 0;

  gap(gapMs: number, intervalMs: number): void {
    const ratio = gapMs / intervalMs;
    const bin = Math.min(
      this.#count.length - 1,
      Math.max(0, Math.ceil(Math.log2(ratio * 2) * BINS_PER_OCTAVE)),
    );
    this.#count[bin] = (this.#count[bin] as number) + 1;
    this.#gap[bin] = (this.#gap[bin] as number) + gapMs;
    this.#square[bin] = (this.#square[bin] as number) + gapMs * ratio;
    this.#aliveMs += gapMs;
  }

  /** The smallest multiple with at most `mistakes`, and its E[T_D] in intervals. */
  best(mistakes: number): { multiple: number; detection: number } {
    let bin = this.#count.length - 1;
    let above = 0;
    // Stop at the first bin whose removal would break the limit; its upper edge is the multiple.
    while (bin > 0 && above + (this.#count[bin] as number) <= mistakes) above += this.#count[bin--] as number;
    const multiple = 2 ** (bin / BINS_PER_OCTAVE) / 2;
    let wait = 0;
    for (let i = 0; i <= bin; i++) {
      wait += multiple * (this.#gap[i] as number) - (this.#square[i] as number) / 2;
    }
    let outside = 0;
    for (let i = bin + 1; i < this.#count.length; i++) {
      // A gap beyond the multiple waits multiple²/2 intervals; gap/ratio is the interval it is measured in.
      const mean = (this.#gap[i] as number) / Math.max(1, this.#count[i] as number);
      const ratio = (this.#square[i] as number) / Math.max(1e-9, this.#gap[i] as number);
      outside += ((this.#count[i] as number) * (multiple * multiple) * mean) / Math.max(1e-9, ratio) / 2;
    }
    return { multiple, detection: (wait + outside) / this.#aliveMs };
  }
}
