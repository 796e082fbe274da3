/**
 * How long a class's devices take to reconnect after a last will, and so when one that has not is dead.
 *
 * A will is followed by a mistake when the device lives and reconnects later than the deadline τ. With w wills of
 * live devices per device-year that makes w · P(reconnect later than τ | alive) mistakes per device-year, which may
 * be a share of the class's false-alarm budget: τ is the shortest with P(later than τ) ≤ share · budget / w. Where
 * wills of live devices are rare, nearly every will is a death and τ is short.
 *
 * P comes from a sketch of the times seen, with a Pareto tail beyond them (`LatenessSketch`). Times in which we were
 * blind, the group was out or the device rebooted are none. Until enough are known the setting rules.
 */
import { LatenessSketch } from './algorithms/lateness-sketch.ts';

/** Share of the false-alarm budget that is spent on wills. */
const BUDGET_SHARE = 0.25;
/** Times seen before they count for more than the setting. */
const KNOWN_MIN = 20;
/** No device is given less: brokers and networks need that much. Milliseconds. */
const FLOOR_MS = 2000;
/** The sketch's imagined samples are a fraction of the setting. */
const UNIT_SHARE = 0.25;
const YEAR_MS = 365.25 * 86_400_000;

export class ReconnectTimes {
  readonly #startMs: number;
  readonly #perYear: number;
  readonly #times = new LatenessSketch();
  /** [returns after a will, device-time watched in ms] */
  readonly #state = new Float64Array(2);

  constructor(startMs: number, falseAlarmsPerDeviceYear: number) {
    this.#startMs = startMs;
    this.#perYear = falseAlarmsPerDeviceYear;
  }

  /** A live device was heard so long after its will. */
  learn(ms: number): void {
    this.#state[0] = this.returns + 1;
    this.#times.learn(ms / (UNIT_SHARE * this.#startMs));
  }

  /** One device was watched for so long. */
  watched(ms: number): void {
    this.#state[1] = (this.#state[1] as number) + ms;
  }

  get returns(): number {
    return this.#state[0] as number;
  }

  /** Time after a will in which a live device has reconnected, within the budget. */
  get deadlineMs(): number {
    if (this.returns < KNOWN_MIN) return this.#startMs;
    const years = (this.#state[1] as number) / YEAR_MS;
    const allowed = (BUDGET_SHARE * this.#perYear * years) / (this.returns + 1);
    let low = FLOOR_MS;
    if (this.#later(low) <= allowed) return low;
    let high = 2 * low;
    while (this.#later(high) > allowed && high < YEAR_MS) high *= 2;
    while (high / low > 1.01) {
      const middle = Math.sqrt(low * high);
      if (this.#later(middle) > allowed) low = middle;
      else high = middle;
    }
    return Math.ceil(high);
  }

  /** What was learned, in place: for a snapshot to read and to fill. */
  persistent(): Float64Array[] {
    return [this.#state, ...this.#times.persistent()];
  }

  #later(ms: number): number {
    return this.#times.survival(ms / (UNIT_SHARE * this.#startMs));
  }
}
