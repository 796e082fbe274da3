/** Allows a sustained rate and a burst above it. Takes instants (epoch ms) that may not run backwards. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: number;

  constructor(perSecond: number, burst: number, at: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAt = at;
  }

  /** True when so many tokens were there, and takes them. */
  take(at: number, count = 1): boolean {
    this.#fill(at);
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  /** True when nothing can be taken. */
  isEmpty(at: number): boolean {
    this.#fill(at);
    return this.#tokens < 1;
  }

  #fill(at: number): void {
    if (at <= this.#filledAt) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + (at - this.#filledAt) * this.#perMs);
    this.#filledAt = at;
  }
}
