import { type CurvePoint, YEAR_MS } from './score.ts';

const BINS_PER_OCTAVE = 64;
const BINS = 20 * BINS_PER_OCTAVE;
/** For a picture, every so many bins are enough. */
const BINS_PER_POINT = 16;

/**
 * "Dead after m intervals", for every m at once: a histogram of gap/interval keeps all that is needed. The best m
 * for a fleet is known only in hindsight.
 */
export class FixedMultiples {
  readonly #count = new Float64Array(BINS);
  /** For gaps g, stated intervals i and true ones t: Σ g²/t, Σ g·i/t and Σ i²/t in each bin. */
  readonly #gapSquares = new Float64Array(BINS);
  readonly #gapStated = new Float64Array(BINS);
  readonly #statedSquares = new Float64Array(BINS);
  #aliveMs = 0;

  /**
   * @param statedMs the interval that is multiplied: what the device says, or else the class
   * @param trueMs the interval in force, in which detection times are told
   */
  gap(gapMs: number, statedMs: number, trueMs: number): void {
    const position = Math.ceil(Math.log2((2 * gapMs) / statedMs) * BINS_PER_OCTAVE);
    const bin = Math.min(BINS - 1, Math.max(0, position));
    this.#count[bin] = (this.#count[bin] as number) + 1;
    this.#gapSquares[bin] = (this.#gapSquares[bin] as number) + (gapMs * gapMs) / trueMs;
    this.#gapStated[bin] = (this.#gapStated[bin] as number) + (gapMs * statedMs) / trueMs;
    this.#statedSquares[bin] = (this.#statedSquares[bin] as number) + (statedMs * statedMs) / trueMs;
    this.#aliveMs += gapMs;
  }

  /** The smallest multiple with at most so many mistakes, and its E[T_D] in intervals. */
  best(mistakes: number): { multiple: number; detection: number } {
    let bin = BINS - 1;
    let above = 0;
    // Stop at the first bin whose removal would break the limit; its upper edge is the multiple.
    while (bin > 0 && above + (this.#count[bin] as number) <= mistakes) above += this.#count[bin--] as number;
    return { multiple: multipleOf(bin), detection: this.#detectionAt(bin) };
  }

  curve(): CurvePoint[] {
    const points: CurvePoint[] = [];
    let above = 0;
    for (let bin = BINS - 1; bin >= 0; bin--) {
      if (bin % BINS_PER_POINT === 0) {
        points.push({ perYear: (above / this.#aliveMs) * YEAR_MS, detection: this.#detectionAt(bin) });
      }
      above += this.#count[bin] as number;
    }
    return points;
  }

  /** E[T_D] of the multiple at a bin's upper edge: shorter gaps wait m·i·g − g²/2, longer ones (m·i)²/2. */
  #detectionAt(bin: number): number {
    const multiple = multipleOf(bin);
    let wait = 0;
    for (let i = 0; i < BINS; i++) {
      wait +=
        i <= bin
          ? multiple * (this.#gapStated[i] as number) - (this.#gapSquares[i] as number) / 2
          : (multiple * multiple * (this.#statedSquares[i] as number)) / 2;
    }
    return wait / this.#aliveMs;
  }
}

function multipleOf(bin: number): number {
  return 2 ** (bin / BINS_PER_OCTAVE) / 2;
}
