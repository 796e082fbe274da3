import { LatenessSketch } from './lateness-sketch.ts';

/** Share of the class's budget the guard may use up. */
const SHARE = 0.1;
const RENEW_GAPS = 256;
const MEMORY_GAPS = 20_000;

/**
 * The fallback that asks no model: how many intervals every device of the class could be given so that the whole
 * class would use a tenth of its budget, from the silences it has really kept.
 *
 * Nobody needs to be trusted for longer than that. Where the model's tail is too heavy (a link that is dead for
 * hours now and then), this bounds the detection time near that of the best fixed multiple.
 */
export class ClassGuard {
  readonly #silences = new LatenessSketch();
  /** [gaps, mean gap in intervals, the multiple] */
  readonly #state = Float64Array.of(0, 1, Number.MAX_VALUE);

  /** A silence of `intervals` ended; `fair` is the false alarms a device is allowed per interval. */
  learn(intervals: number, fair: number): void {
    const state = this.#state;
    const gaps = (state[0] as number) + 1;
    state[0] = gaps;
    state[1] = (state[1] as number) + (intervals - (state[1] as number)) / Math.min(MEMORY_GAPS, gaps + 10);
    this.#silences.learn(intervals);
    if (gaps % RENEW_GAPS === 0) state[2] = this.#reach(SHARE * fair * (state[1] as number));
  }

  /** Longest silence worth waiting for, in intervals. */
  get multiple(): number {
    return this.#state[2] as number;
  }

  get gaps(): number {
    return this.#state[0] as number;
  }

  persistent(): Float64Array[] {
    return [this.#state, ...this.#silences.persistent()];
  }

  #reach(limit: number): number {
    let low = 1;
    let high = 1e6;
    while (high / low > 1.01) {
      const middle = Math.sqrt(low * high);
      if (this.#silences.survival(middle) > limit) low = middle;
      else high = middle;
    }
    return high;
  }
}
