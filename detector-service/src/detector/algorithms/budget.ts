/** How a class spends its false-alarm budget. */

/** Change of the logarithm of the threshold for each mistake more or less than allowed. */
const GAIN = 0.1;
const LOWEST = Math.log(0.01);
const HIGHEST = Math.log(6);
/** Gaps per device after which a change of the threshold shows in its mistakes. */
const SETTLING_GAPS = 5;

/** No device is given more than so many fair shares, and a new one, of whose link little is known, no more than that. */
const SHARE_MAX = 4;
const SHARE_NEW = 1.5;
/** Gaps after which a device is no longer new. */
const NEW_GAPS = 40;
/** Prices follow the latest solves, one of each device, but so many at most. */
const PRICES_MIN = 5;
const PRICES_MAX = 1000;
const PRICE_LOWEST = 0.02;
const PRICE_HIGHEST = 10_000;
/**
 * Mistakes lent to a class while it is learned, all told: this times the logarithm of its gaps, a tenth of one in
 * 100,000. Nothing else could be promised soon: after n gaps without a loss, nobody knows of a loss rarer than 1/n.
 */
const LOAN = 0.01;

/**
 * Keeps the achieved false alarms of a class at its budget, whatever the model got wrong, and shares the budget out.
 *
 * The pace is adaptive conformal inference (Gibbs and Candès 2021) in the logarithm: every gap pays in the mistakes
 * it was allowed, every mistake is paid out, and the threshold follows the balance. The promise does not rest on
 * the model being right: in the long run the two sides cannot drift apart while the threshold is within its bounds.
 *
 * The shares are unequal on purpose. Where the survival falls by half in ten beats, a doubled share saves ten beats;
 * where it falls a hundredfold per beat, it saves nothing. The sum of the detection times is least when every device
 * waits until another beat saves less than its mistakes are worth at one price for all (Lagrange), and the price is
 * the one at which the devices together use what they have. No device uses more than a few fair shares.
 */
export class Budget {
  readonly #perYear: number;
  /** [balance, price of a fair share in beats, solves that made it, devices, gaps] */
  readonly #state = Float64Array.of(0, 0, 0, 0, 0);

  constructor(falseAlarmsPerDeviceYear: number) {
    this.#perYear = falseAlarmsPerDeviceYear;
  }

  /** False alarms one device is allowed in a time. */
  allowed(ms: number): number {
    return (this.#perYear * ms) / YEAR_MS;
  }

  joined(): void {
    this.#state[3] = (this.#state[3] as number) + 1;
  }

  /** A gap ended, falsely called dead or not. A large fleet reacts to each mistake less: many are in flight. */
  gap(gapMs: number, stepMs: number, mistake: boolean): void {
    const inFlight = SETTLING_GAPS * (this.#state[3] as number) * this.allowed(stepMs);
    const gain = GAIN / Math.max(1, inFlight);
    const balance = (this.#state[0] as number) + gain * (this.allowed(gapMs) - (mistake ? 1 : 0));
    this.#state[0] = Math.min(HIGHEST, Math.max(LOWEST, balance));
    this.#state[4] = (this.#state[4] as number) + 1;
  }

  /** Factor on the allowed survival. */
  get pace(): number {
    return Math.exp(this.#state[0] as number);
  }

  /** Survival that a fair share allows at the end of a silence, the mean gap lasting `meanGapMs`. */
  fair(meanGapMs: number, deviceGaps: number): number {
    const pace = deviceGaps < NEW_GAPS ? Math.min(1, this.pace) : this.pace;
    return Math.min(0.3, this.allowed(meanGapMs) * pace + LOAN / (10 + (this.#state[4] as number)));
  }

  /** The most fair shares a device with so many gaps may use. */
  shareMax(deviceGaps: number): number {
    return deviceGaps < NEW_GAPS ? SHARE_NEW : SHARE_MAX;
  }

  /** Beats that a fair share of mistakes is worth; at first those in which the survival of the first device falls e-fold. */
  price(tail: number): number {
    if (this.#state[2] === 0) this.#state[1] = tail;
    return this.#state[1] as number;
  }

  /** Told what each solve used, the price settles where the mean is one fair share. */
  spent(shares: number): void {
    const state = this.#state;
    state[2] = Math.min(PRICES_MAX, state[3] as number, (state[2] as number) + 1);
    const rate = (shares - 1) / (PRICES_MIN + (state[2] as number));
    state[1] = Math.min(PRICE_HIGHEST, Math.max(PRICE_LOWEST, (state[1] as number) * Math.exp(rate)));
  }

  persistent(): Float64Array[] {
    return [this.#state];
  }
}

const YEAR_MS = 365.25 * 86_400_000;
