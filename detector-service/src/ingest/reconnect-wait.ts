/**
 * Waits between attempts to reach a broker: they double up to a bound, and each is drawn between half of itself
 * and itself, so that several monitors do not return in step. There is one monitor and many devices, so it comes
 * back sooner than they do.
 */
export class ReconnectWait {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor({ minMs, maxMs, random }: { minMs: number; maxMs: number; random: () => number }) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** Attempts that failed since the last success. */
  get failures(): number {
    return this.#failures;
  }

  nextMs(): number {
    const boundMs = Math.min(this.#maxMs, this.#minMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return Math.round(boundMs * (0.5 + this.#random() / 2));
  }

  /** A connection proved good. */
  succeeded(): void {
    this.#failures = 0;
  }
}
