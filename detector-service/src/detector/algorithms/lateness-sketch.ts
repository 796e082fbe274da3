/**
 * The class's distribution of lateness, in units of each device's own scale.
 *
 * A relative-error sketch (as DDSketch: Masson, Rim, Lee 2019): logarithmic bins, mergeable, of fixed size.
 * Beyond the data a Pareto tail is fitted to the largest samples (Hill 1975). A handful of imagined samples keep a
 * young sketch cautious.
 */
const BINS_PER_OCTAVE = 4;
const OCTAVE_MIN = -6;
const BINS = 40 * BINS_PER_OCTAVE;
const IMAGINED = 12;
/** Samples by which the tail is fitted, at least and as a share. */
const TAIL_SAMPLES = 25;
const TAIL_SHARE = 0.005;
const MEMORY_SAMPLES = 1e6;

export class LatenessSketch {
  readonly #counts = new Float64Array(BINS);
  /** [all samples, those at the last fit] */
  readonly #samples = new Float64Array(2);
  readonly #survival = new Float64Array(BINS + 1);
  /** [bin from which the fitted tail rules, its shape] */
  readonly #tail = Float64Array.of(BINS, 2);

  constructor() {
    for (let bin = 0; bin < BINS; bin++) {
      this.#counts[bin] =
        IMAGINED * 0.5 * (imagined(EDGES[bin] as number) - imagined(EDGES[bin + 1] as number));
    }
    this.#samples[0] = IMAGINED;
    this.#fit();
  }

  learn(scaled: number): void {
    const bin = binOf(scaled);
    if (bin >= 0) this.#counts[bin] = (this.#counts[bin] as number) + 1;
    const total = (this.#samples[0] as number) + 1;
    this.#samples[0] = total;
    if (total > 1.05 * (this.#samples[1] as number) + 1) this.#fit();
    if (total > MEMORY_SAMPLES) this.#halve();
  }

  /** P(lateness > scaled). */
  survival(scaled: number): number {
    if (scaled <= 0) return 1;
    const position = (Math.log2(scaled) - OCTAVE_MIN) * BINS_PER_OCTAVE;
    if (position <= 0) return this.#survival[0] as number;
    const bin = Math.floor(position);
    const tailBin = this.#tail[0] as number;
    if (bin >= tailBin) {
      return (
        (this.#survival[tailBin] as number) *
        (scaled / (EDGES[tailBin] as number)) ** -(this.#tail[1] as number)
      );
    }
    const from = this.#survival[bin] as number;
    const to = this.#survival[bin + 1] as number;
    return from * (to / from) ** (position - bin);
  }

  /** The smallest lateness whose survival is at most `limit`: the inverse of `survival`. */
  reach(limit: number): number {
    const [tailBin = 0, shape = 1] = this.#tail;
    const survival = this.#survival;
    if (limit >= (survival[0] as number)) return 0;
    const ofTail = survival[tailBin] as number;
    if (limit <= ofTail) return (EDGES[tailBin] as number) * (ofTail / limit) ** (1 / shape);
    let low = 0;
    let high = tailBin;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((survival[middle] as number) > limit) low = middle;
      else high = middle;
    }
    const from = survival[low] as number;
    return edge(low + Math.log(limit / from) / Math.log((survival[high] as number) / from));
  }

  /** Everything, the latest fit included: what is restored goes on exactly as before. */
  persistent(): Float64Array[] {
    return [this.#samples, this.#counts, this.#survival, this.#tail];
  }

  #fit(): void {
    const total = this.#samples[0] as number;
    this.#samples[1] = total;
    let above = 0;
    for (let bin = BINS - 1; bin >= 0; bin--) {
      this.#survival[bin + 1] = Math.max(above, 1e-12) / total;
      above += this.#counts[bin] as number;
    }
    this.#survival[0] = above / total;
    const wanted = Math.max(TAIL_SAMPLES, TAIL_SHARE * total);
    let count = 0;
    let logs = 0;
    let bin = BINS;
    while (bin > 0 && count < wanted) {
      bin--;
      // Each bin's samples lie half a bin above its edge; raising the threshold lifts all those above.
      logs +=
        (count / BINS_PER_OCTAVE) * Math.LN2 +
        ((this.#counts[bin] as number) / 2 / BINS_PER_OCTAVE) * Math.LN2;
      count += this.#counts[bin] as number;
    }
    // A few steps above the threshold the empirical survival is still better than the fit.
    this.#tail[1] = Math.min(12, Math.max(0.6, count / Math.max(logs, 1e-9)));
    let kept = count;
    while (bin < BINS - 1 && kept - (this.#counts[bin] as number) > TAIL_SAMPLES) {
      kept -= this.#counts[bin] as number;
      bin++;
    }
    this.#tail[0] = bin;
  }

  #halve(): void {
    for (let bin = 0; bin < BINS; bin++) this.#counts[bin] = (this.#counts[bin] as number) / 2;
    this.#samples[0] = (this.#samples[0] as number) / 2;
    this.#samples[1] = (this.#samples[1] as number) / 2;
  }
}

const edge = (position: number): number => 2 ** (OCTAVE_MIN + position / BINS_PER_OCTAVE);
const EDGES = Float64Array.from({ length: BINS + 1 }, (_, bin) => edge(bin));
/** Survival of the imagined positive samples. */
const imagined = (x: number): number => (1 + x / 2) ** -2;

function binOf(scaled: number): number {
  if (scaled <= 0) return -1;
  const bin = Math.floor((Math.log2(scaled) - OCTAVE_MIN) * BINS_PER_OCTAVE);
  return bin < 0 ? -1 : Math.min(BINS - 1, bin);
}
