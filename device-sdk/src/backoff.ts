/** Waits between attempts to connect that double up to a bound. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #attempt = 0;

  constructor(minMs: number, maxMs: number, random: () => number) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** Attempts since the last time things were well. */
  get attempt(): number {
    return this.#attempt;
  }

  /**
   * The wait before the next attempt, after a connection that lived for `livedMs` (0 when it never came about).
   *
   * "Full jitter": even between nothing and the bound, which spreads a fleet that lost its broker in one instant
   * best (Brooker, "Exponential Backoff And Jitter", 2015). Only a connection that outlived the present bound
   * starts over: one that is accepted and cut at once, as when two devices fight for one client id, does not.
   */
  nextDelayMs(livedMs: number): number {
    if (livedMs > this.#boundMs()) this.#attempt = 0;
    const delayMs = Math.round(this.#random() * this.#boundMs());
    this.#attempt += 1;
    return delayMs;
  }

  reset(): void {
    this.#attempt = 0;
  }

  #boundMs(): number {
    return Math.min(this.#maxMs, this.#minMs * 2 ** Math.min(this.#attempt, 40));
  }
}
