/** Paces many parties apart from one another: a token bucket for each of those seen lately. */
import { TokenBucket } from './token-bucket.ts';

const PARTIES_MAX = 10_000;

export class PacedParties {
  readonly #perSecond: number;
  readonly #burst: number;
  /** The one that took last is forgotten last. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** True when nothing is left for the party now. */
  isExhausted(party: string, at: number): boolean {
    return this.#buckets.get(party)?.isEmpty(at) ?? false;
  }

  /** True when there was something left for the party, and takes it. */
  take(party: string, at: number): boolean {
    const bucket = this.#buckets.get(party) ?? new TokenBucket(this.#perSecond, this.#burst, at);
    this.#buckets.delete(party);
    this.#buckets.set(party, bucket);
    if (this.#buckets.size > PARTIES_MAX) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return bucket.take(at);
  }
}
