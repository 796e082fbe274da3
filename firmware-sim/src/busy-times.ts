/** Spans of time that are taken, none overlapping another; kept in order, so that a long story is planned quickly. */
export class BusyTimes {
  readonly #fromMs: number[] = [];
  readonly #toMs: number[] = [];

  /** Takes the span [fromMs, toMs) if all of it is free; false, and nothing taken, when it is not. */
  take(fromMs: number, toMs: number): boolean {
    const place = this.#firstAfter(fromMs);
    if (place > 0 && (this.#toMs[place - 1] as number) > fromMs) return false;
    if (place < this.#fromMs.length && (this.#fromMs[place] as number) < toMs) return false;
    this.#fromMs.splice(place, 0, fromMs);
    this.#toMs.splice(place, 0, toMs);
    return true;
  }

  /** Place of the first span that begins after an instant. */
  #firstAfter(atMs: number): number {
    let low = 0;
    let high = this.#fromMs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#fromMs[middle] as number) <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
