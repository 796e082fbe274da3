/**
 * A distribution of values that are not negative, in buckets of equal relative width: quantiles over any range cost
 * kilobytes and are right to a fixed relative error (as in DDSketch: Masson, Rim, Lee 2019). Beside single values it
 * takes whole spans, spread evenly, at the same price.
 */

/** Relative width of a bucket: quantiles are right to one percent. */
const GAMMA = 1.02;
const PER_LOG = 1 / Math.log(GAMMA);
const BUCKETS_MIN = 64;

/** Mean is exact, quantiles are right to one percent. */
export interface TimeDistribution {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
}

export class LogHistogram {
  /** What is smaller counts as zero. */
  readonly #least: number;
  /** Bucket i holds values in [least·γ^i, least·γ^(i+1)). */
  #weights = new Float64Array(0);
  /** Spans that cover whole buckets: how much more weight per unit lies on bucket i than on bucket i − 1. */
  #covering = new Float64Array(0);
  #zero = 0;
  #total = 0;
  #sum = 0;

  /** @param least value that is told from zero */
  constructor(least = 1) {
    this.#least = least;
  }

  /** Sum of all weights. */
  get total(): number {
    return this.#total;
  }

  add(value: number, weight = 1): void {
    this.#total += weight;
    this.#sum += value * weight;
    this.#put(value, weight);
  }

  /** Adds every value from `low` to `high`, with a weight of `density` per unit of value. */
  addSpan(low: number, high: number, density = 1): void {
    this.#total += density * (high - low);
    this.#sum += (density * (high - low) * (high + low)) / 2;
    const from = Math.max(low, Math.min(high, this.#least));
    this.#zero += density * (from - low);
    if (high <= from) return;
    const first = this.#bucketOf(from);
    const last = this.#bucketOf(high);
    this.#reserve(last);
    if (first === last) this.#weigh(first, density * (high - from));
    else {
      this.#weigh(first, density * (this.#edge(first + 1) - from));
      this.#weigh(last, density * (high - this.#edge(last)));
      this.#covering[first + 1] = (this.#covering[first + 1] as number) + density;
      this.#covering[last] = (this.#covering[last] as number) - density;
    }
  }

  /** Adds another's values, each multiplied by `scale`, with the weights they have. */
  addScaled(other: LogHistogram, scale: number): void {
    this.#total += other.#total;
    this.#sum += other.#sum * scale;
    this.#zero += other.#zero;
    for (const { middle, weight } of other.#buckets()) this.#put(middle * scale, weight);
  }

  /** Undefined while empty. */
  distribution(): TimeDistribution | undefined {
    if (this.#total === 0) return undefined;
    return { mean: this.#sum / this.#total, p50: this.#quantile(0.5), p95: this.#quantile(0.95) };
  }

  #quantile(q: number): number {
    let rest = q * this.#total - this.#zero;
    if (rest <= 0) return 0;
    let last = 0;
    for (const { middle, weight } of this.#buckets()) {
      last = middle;
      rest -= weight;
      // Sums of weights carry rounding errors: a quantile on the edge belongs to the bucket below.
      if (rest <= 1e-9 * this.#total) break;
    }
    return last;
  }

  /** Buckets that hold something, ascending. */
  *#buckets(): Generator<{ middle: number; weight: number }> {
    let covering = 0;
    for (const [index, own] of this.#weights.entries()) {
      covering += this.#covering[index] as number;
      const low = this.#edge(index);
      const high = this.#edge(index + 1);
      const weight = own + covering * (high - low);
      if (weight > 0) yield { middle: Math.sqrt(low * high), weight };
    }
  }

  #put(value: number, weight: number): void {
    if (value < this.#least) {
      this.#zero += weight;
      return;
    }
    const index = this.#bucketOf(value);
    this.#reserve(index);
    this.#weigh(index, weight);
  }

  #weigh(index: number, weight: number): void {
    this.#weights[index] = (this.#weights[index] as number) + weight;
  }

  #bucketOf(value: number): number {
    return Math.floor(Math.log(value / this.#least) * PER_LOG);
  }

  #edge(index: number): number {
    return this.#least * GAMMA ** index;
  }

  #reserve(index: number): void {
    if (index < this.#weights.length) return;
    const length = Math.max(BUCKETS_MIN, 2 * index);
    const weights = new Float64Array(length);
    weights.set(this.#weights);
    this.#weights = weights;
    const covering = new Float64Array(length);
    covering.set(this.#covering);
    this.#covering = covering;
  }
}
