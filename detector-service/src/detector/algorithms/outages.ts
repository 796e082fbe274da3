/**
 * Outages: runs of lost beats that the device's own link does not explain.
 *
 * A link loses a beat now and then and stays in losses for a while; that is learned per device. Besides, rarely, a
 * power cut, a gateway, a truck in the way or the burstiness of the radio silences a device for far longer. No device
 * has enough of them to learn their lengths from, and one of them would spoil what is believed of a good link for
 * years. So each run is shared out between link and outage by their likelihoods, which is a step of EM on a
 * contaminated distribution (Huber 1964); how often a device has outages is its own matter, shrunk to its class (Gamma
 * and Poisson), how long they last is the class's.
 */
import { indexOf, LENGTHS } from './run-laws.ts';

/** Outages imagined before any was seen, among so many gaps: next to nothing, but not impossible. */
const IMAGINED = 0.02;
const IMAGINED_GAPS = 10_000;
/** Imagined lengths have a power-law tail of exponent two, as bursts may have, from about this on. Beats. */
const IMAGINED_LENGTH = 20;
/** Lengths imagined beside those seen: from m samples nobody can promise less than about 1/m. */
const IMAGINED_LENGTHS = 1;
/** An outage might as well have lasted longer or shorter by this factor. */
const SPREAD = 1.3;
/** Outages after which a device's own rate counts as much as its class's: devices differ widely. */
const CLASS_OUTAGES = 0.5;
/** Outages, and gaps, remembered. */
const MEMORY = 20_000;
const MEMORY_GAPS = 3e6;
/** Outages after which the lengths are summed up anew, as a share of those seen. */
const RENEW = 0.02;

export class Outages {
  /** P(outage ≥ length), for each of LENGTHS. */
  readonly survival = new Float64Array(LENGTHS.length);
  /** Outages by length: those in (LENGTHS[i − 1], LENGTHS[i]]. */
  readonly #counts = new Float64Array(LENGTHS.length);
  /** [gaps, outages, outages at which the lengths are summed up anew] */
  readonly #seen = new Float64Array(3);

  constructor() {
    this.#sumUp();
  }

  /** P(a gap is an outage), for a device with so many `outages` among its `gaps`. */
  rate(outages: number, gaps: number): number {
    const [all = 0, seen = 0] = this.#seen;
    const ofClass = (seen + IMAGINED) / (all + IMAGINED_GAPS);
    return (CLASS_OUTAGES + outages) / (CLASS_OUTAGES / ofClass + gaps);
  }

  /** A gap without losses. */
  none(): void {
    this.#seen[0] = (this.#seen[0] as number) + 1;
  }

  /** A run of `length` lost beats that was an outage with probability `share`. */
  learn(length: number, share: number): void {
    const seen = this.#seen;
    seen[0] = (seen[0] as number) + 1;
    seen[1] = (seen[1] as number) + share;
    const from = indexOf(length / SPREAD);
    const to = indexOf(length * SPREAD);
    for (let i = from; i <= to; i++) this.#counts[i] = (this.#counts[i] as number) + share / (to - from + 1);
    if ((seen[1] as number) >= (seen[2] as number)) this.#sumUp();
  }

  persistent(): Float64Array[] {
    return [this.#seen, this.#counts, this.survival];
  }

  #sumUp(): void {
    const seen = this.#seen;
    if ((seen[1] as number) > MEMORY || (seen[0] as number) > MEMORY_GAPS) {
      for (let i = 0; i < this.#counts.length; i++) this.#counts[i] = (this.#counts[i] as number) / 2;
      seen[0] = (seen[0] as number) / 2;
      seen[1] = (seen[1] as number) / 2;
    }
    seen[2] = (1 + RENEW) * (seen[1] as number) + 0.01;
    let longer = 0;
    for (let i = LENGTHS.length - 1; i >= 0; i--) {
      longer += this.#counts[i] as number;
      const imagined = (IMAGINED_LENGTH / (IMAGINED_LENGTH + (LENGTHS[i] as number) - 1)) ** 2;
      this.survival[i] = (longer + IMAGINED_LENGTHS * imagined) / ((seen[1] as number) + IMAGINED_LENGTHS);
    }
  }
}
