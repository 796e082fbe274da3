/** How a class spends its false-alarm budget. */

/** Change of the logarithm of the threshold for each mistake more or less than allowed. */
const GAIN = 0.1;
const LOWEST = Math.log(0.01);
const HIGHEST = Math.log(6);
/** Gaps per device after which a change of the threshold shows in its mistakes. */
const SETTLING_GAPS = 5;

/** Exponent with which a device's share of the budget follows the length of its tail. */
const TAIL_EXPONENT = 0.7;
/** No device is given more than so many fair shares, nor less than one so-manieth. */
const SHARE_MAX = 3;
/** Gaps after which a device is no longer new, and the largest share of a new one. */
const NEW_GAPS = 40;
const SHARE_NEW = 1.5;
/** Fair shares a link with steep tail may use to be done one beat sooner. */
const SHARE_STEEP = 4;
const STEEP = 0.5;
/** Mistakes a class may make while it is learned, all told: this times the logarithm of its gaps. */
const LOAN = 0.01;

/**
 * Keeps the achieved false alarms of a class at its budget, whatever the model got wrong, and shares the budget out.
 *
 * The pace is adaptive conformal inference (Gibbs and Candès 2021) in the logarithm: every gap pays in the mistakes
 * it was allowed, every mistake is paid out, and the threshold follows the balance. The promise does not rest on
 * the model being right: in the long run the two sides cannot drift apart while the threshold is within its bounds.
 *
 * The shares are unequal on purpose. Where the survival falls by half in ten beats, a doubled share saves ten beats;
 * where it falls a hundredfold per beat, it saves nothing. The sum of the detection times is least when shares are
 * proportional to the tail's length; with the exponent below one and a limit, no device pays for the others.
 */
export class Budget {
  readonly #perYear: number;
  /** [balance, mean unnormalised share, shares seen, price of a fair share in beats, prices seen, devices, gaps] */
  readonly #state = Float64Array.of(0, 1, 0, 2, 0, 0, 0);

  constructor(falseAlarmsPerDeviceYear: number) {
    this.#perYear = falseAlarmsPerDeviceYear;
  }

  /** False alarms one device is allowed in a time. */
  allowed(ms: number): number {
    return (this.#perYear * ms) / YEAR_MS;
  }

  joined(): void {
    this.#state[5] = (this.#state[5] as number) + 1;
  }

  /** A gap ended, falsely called dead or not. A large fleet reacts to each mistake less: many are in flight. */
  gap(gapMs: number, stepMs: number, mistake: boolean): void {
    const inFlight = SETTLING_GAPS * (this.#state[5] as number) * this.allowed(stepMs);
    const gain = GAIN / Math.max(1, inFlight);
    const balance = (this.#state[0] as number) + gain * (this.allowed(gapMs) - (mistake ? 1 : 0));
    this.#state[0] = Math.min(HIGHEST, Math.max(LOWEST, balance));
    this.#state[6] = (this.#state[6] as number) + 1;
  }

  /** Factor on the allowed survival. */
  get pace(): number {
    return Math.exp(this.#state[0] as number);
  }

  /** Survival that a fair share allows at the end of a silence, the mean gap lasting `meanGapMs`. */
  fair(meanGapMs: number, deviceGaps: number): number {
    const pace = deviceGaps < NEW_GAPS ? Math.min(1, this.pace) : this.pace;
    return Math.min(0.3, this.allowed(meanGapMs) * pace + LOAN / (10 + (this.#state[6] as number)));
  }

  /** Fair shares for a device whose survival falls e-fold in `tail` beats. */
  share(tail: number, deviceGaps: number): number {
    const share = tail ** TAIL_EXPONENT;
    const state = this.#state;
    state[2] = Math.min(3000, state[5] as number, (state[2] as number) + 1);
    state[1] = (state[1] as number) + (share - (state[1] as number)) / (state[2] as number);
    const most = deviceGaps < NEW_GAPS ? SHARE_NEW : SHARE_MAX;
    return Math.min(most, Math.max(1 / SHARE_MAX, share / (state[1] as number)));
  }

  /** Is it worth `shares` instead of `used` to be done `saved` beats sooner? Only asked of steep tails. */
  buys(shares: number, used: number, saved: number, tail: number, deviceGaps: number): boolean {
    if (deviceGaps < NEW_GAPS || tail > STEEP || shares > SHARE_STEEP) return false;
    return (this.#state[3] as number) * (shares - used) < saved;
  }

  /** Told what each solve used, the price settles where the mean is one fair share. */
  spent(shares: number): void {
    const state = this.#state;
    state[4] = Math.min(1000, (state[4] as number) + 1);
    const price = (state[3] as number) * Math.exp((Math.min(shares, 5) - 1) / (20 + (state[4] as number)));
    state[3] = Math.min(1000, Math.max(0.02, price));
  }

  persistent(): Float64Array[] {
    return [this.#state];
  }
}

const YEAR_MS = 365.25 * 86_400_000;
