/**
 * How soon would a death have been noticed, had it come at a uniformly random instant? Answered without a single
 * death, from the dead points alone.
 *
 * In a silence (a, b) with dead point D, a death at x is noticed after max(D − x, 0). With x uniform that time is
 * uniform over [max(D − b, 0), max(D − a, 0)] with density one per millisecond, and zero for the part of the silence
 * that comes after D. So the distribution over all silences needs only how many of those spans begin and end where.
 */
import { LogHistogram } from './log-histogram.ts';

/** A distribution of times, in milliseconds; quantiles are right to about one percent. */
export interface TimeDistribution {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
}

export class DetectionTimes {
  #observedMs = 0;
  #integral = 0;
  #instantMs = 0;
  #spans = 0;
  readonly #begins = new LogHistogram();
  readonly #ends = new LogHistogram();

  /** Milliseconds of silence taken in. */
  get observedMs(): number {
    return this.#observedMs;
  }

  /** Takes in a silence of a live device and the instant from which on it would be called dead. */
  add(from: number, until: number, deadAt: number): void {
    this.#observedMs += until - from;
    const longest = deadAt - from;
    const shortest = deadAt - until;
    if (longest <= 0) {
      this.#instantMs += until - from;
      return;
    }
    this.#spans += 1;
    this.#ends.add(longest);
    if (shortest > 0) {
      this.#begins.add(shortest);
      this.#integral += ((longest - shortest) * (longest + shortest)) / 2;
    } else {
      this.#integral += (longest * longest) / 2;
      this.#instantMs -= shortest;
    }
  }

  /** Adds another's silences, with times multiplied by `scale`, each silence keeping its weight in real time. */
  addScaled(other: DetectionTimes, scale: number): void {
    this.#observedMs += other.#observedMs;
    this.#integral += other.#integral * scale;
    this.#instantMs += other.#instantMs;
    this.#spans += other.#spans / scale;
    this.#begins.addScaled(other.#begins, scale, 1 / scale);
    this.#ends.addScaled(other.#ends, scale, 1 / scale);
  }

  /** Undefined before any silence. */
  distribution(): TimeDistribution | undefined {
    if (this.#observedMs === 0) return undefined;
    const mean = this.#integral / this.#observedMs;
    return { mean, p50: this.#quantile(0.5), p95: this.#quantile(0.95) };
  }

  #quantile(q: number): number {
    let rest = q * this.#observedMs - this.#instantMs;
    if (rest <= 0) return 0;
    // Spans that cover the times just above `at`: as many times as that is the density there.
    let covering = this.#spans - this.#begins.total;
    let at = 0;
    for (const [value, change] of this.#edges()) {
      if (covering * (value - at) >= rest) return at + rest / covering;
      rest -= covering * (value - at);
      covering += change;
      at = value;
    }
    return at;
  }

  /** Where spans begin and end, ascending, with the change of how many there are. */
  #edges(): [value: number, change: number][] {
    const ends = [...this.#ends.buckets()].map(([value, weight]): [number, number] => [value, -weight]);
    const begins = [...this.#begins.buckets()].map(([value, weight]): [number, number] => [value, weight]);
    return [...begins, ...ends].sort(([a], [b]) => a - b);
  }
}
