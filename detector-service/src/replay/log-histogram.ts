/**
 * Weighted counts of positive values in buckets of equal relative width, so that quantiles over any range cost
 * kilobytes and are right to a fixed relative error (as in DDSketch: Masson, Rim, Lee 2019).
 */

const BUCKETS_MIN = 64;

export class LogHistogram {
  readonly #gamma: number;
  readonly #perLog: number;
  /** Buckets `#first` … `#first + length − 1`; bucket i holds values in (γ^(i−1), γ^i]. */
  #weights = new Float64Array(0);
  #first = 0;
  #zero = 0;
  #total = 0;

  /** @param relativeError of a value read back; 0.01 means one percent */
  constructor(relativeError = 0.01) {
    this.#gamma = (1 + relativeError) / (1 - relativeError);
    this.#perLog = 1 / Math.log(this.#gamma);
  }

  /** Sum of all weights. */
  get total(): number {
    return this.#total;
  }

  /** Weight of the values that were zero. */
  get zero(): number {
    return this.#zero;
  }

  /** Adds a value that is not negative. */
  add(value: number, weight = 1): void {
    this.#total += weight;
    if (value <= 0) this.#zero += weight;
    else this.#addTo(Math.ceil(Math.log(value) * this.#perLog), weight);
  }

  /** Adds another histogram's values, each multiplied by `scale` and its weight by `weightScale`. */
  addScaled(other: LogHistogram, scale: number, weightScale = 1): void {
    this.add(0, other.zero * weightScale);
    for (const [value, weight] of other.buckets()) this.add(value * scale, weight * weightScale);
  }

  /** Representative value and weight of each bucket that holds something, in ascending order; zero is not among them. */
  *buckets(): Generator<readonly [value: number, weight: number]> {
    for (const [offset, weight] of this.#weights.entries()) {
      if (weight !== 0) yield [this.#value(this.#first + offset), weight];
    }
  }

  /** The value below which a share `q` of the weight lies; undefined while empty. */
  quantile(q: number): number | undefined {
    if (this.#total === 0) return undefined;
    let rest = q * this.#total - this.#zero;
    if (rest <= 0) return 0;
    let last = 0;
    for (const [value, weight] of this.buckets()) {
      last = value;
      rest -= weight;
      if (rest <= 0) break;
    }
    return last;
  }

  #value(bucket: number): number {
    return (2 * this.#gamma ** bucket) / (this.#gamma + 1);
  }

  #addTo(bucket: number, weight: number): void {
    const offset = bucket - this.#first;
    if (offset >= 0 && offset < this.#weights.length) {
      this.#weights[offset] = (this.#weights[offset] as number) + weight;
      return;
    }
    const empty = this.#weights.length === 0;
    const first = empty ? bucket : Math.min(this.#first, bucket);
    const end = empty ? bucket + 1 : Math.max(this.#first + this.#weights.length, bucket + 1);
    // Room on the side that grew, so that a slow drift does not copy every time.
    const slack = Math.max(BUCKETS_MIN, end - first);
    const from = bucket < this.#first || empty ? first - slack : first;
    const wider = new Float64Array((bucket < this.#first ? end : end + slack) - from);
    wider.set(this.#weights, empty ? 0 : this.#first - from);
    this.#weights = wider;
    this.#first = from;
    this.#addTo(bucket, weight);
  }
}
