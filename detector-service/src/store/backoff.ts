/** Growing pauses between attempts. */

export interface BackoffOptions {
  /** First pause. Default 1 s. */
  readonly initialMs?: number;
  /** Longest pause that we choose ourselves. Default 1 min. */
  readonly maxMs?: number;
}

/** Nobody may silence us for longer than this, whatever `Retry-After` says. */
const RETRY_AFTER_MS_MAX = 3_600_000;

export class Backoff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor({ initialMs = 1000, maxMs = 60_000 }: BackoffOptions = {}, random: () => number = Math.random) {
    this.#initialMs = initialMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  reset(): void {
    this.#failures = 0;
  }

  /**
   * The pause before the next attempt, milliseconds: doubled with every failure in a row, of which a random half is
   * left away so that many writers do not come back at once; but never less than the server asked for.
   */
  nextMs(retryAfterMs = 0): number {
    const full = Math.min(this.#maxMs, this.#initialMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    const jittered = full * (0.5 + 0.5 * this.#random());
    return Math.max(jittered, Math.min(retryAfterMs, RETRY_AFTER_MS_MAX));
  }
}
