/** A logarithmic axis of a plot, with its ticks. */

export interface Tick {
  readonly value: number;
  /** Position in the picture. */
  readonly place: number;
  /** False for a tick too close to others to be named. */
  readonly label: boolean;
}

/** Above this many decades only powers of ten are named. */
const DECADES_CROWDED = 3;
/** Room that a name needs. */
const NAME_WIDTH = 40;

export class LogAxis {
  readonly #low: number;
  readonly #high: number;
  readonly #from: number;
  readonly #to: number;

  /**
   * @param values to be shown, positive; none gives the decade from 1
   * @param margin factor of room below the least and above the greatest
   * @param from where the lowest value goes in the picture
   */
  constructor(values: readonly number[], margin: number, from: number, to: number) {
    const low = values.length > 0 ? Math.min(...values) : 1;
    const high = values.length > 0 ? Math.max(...values) : 10;
    this.#low = Math.log10(low / margin);
    this.#high = Math.log10(high * margin);
    this.#from = from;
    this.#to = to;
  }

  place(value: number): number {
    const share = (Math.log10(value) - this.#low) / (this.#high - this.#low);
    return Number((this.#from + share * (this.#to - this.#from)).toFixed(1));
  }

  /** One, two and five times every power of ten that is in view. */
  *ticks(): Generator<Tick> {
    const decades = this.#high - this.#low;
    const crowded = decades > DECADES_CROWDED;
    const named = Math.ceil((NAME_WIDTH * decades) / Math.abs(this.#to - this.#from));
    for (let decade = Math.floor(this.#low); decade <= this.#high; decade += 1) {
      for (const digit of [1, 2, 5]) {
        const value = Number((digit * 10 ** decade).toPrecision(1));
        const log = Math.log10(value);
        if (log < this.#low || log > this.#high) continue;
        yield { value, place: this.place(value), label: !crowded || (digit === 1 && decade % named === 0) };
      }
    }
  }
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
