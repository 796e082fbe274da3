/** Slows down guessing: after too many wrong passwords an address has to wait. */
import { partyOf } from './address.ts';
import { TokenBucket } from './token-bucket.ts';

const PARTIES_MAX = 10_000;

export class LoginLimiter {
  readonly #perMinute: number;
  readonly #parties = new Map<string, TokenBucket>();

  constructor(failuresPerMinuteMax: number) {
    this.#perMinute = failuresPerMinuteMax;
  }

  isBlocked(address: string, at: number): boolean {
    return this.#parties.get(partyOf(address))?.isEmpty(at) ?? false;
  }

  failed(address: string, at: number): void {
    const party = partyOf(address);
    const bucket = this.#parties.get(party) ?? new TokenBucket(this.#perMinute / 60, this.#perMinute, at);
    bucket.take(at);
    this.#parties.delete(party); // the one that failed last is forgotten last
    this.#parties.set(party, bucket);
    if (this.#parties.size > PARTIES_MAX) {
      const [oldest] = this.#parties.keys();
      if (oldest !== undefined) this.#parties.delete(oldest);
    }
  }
}
