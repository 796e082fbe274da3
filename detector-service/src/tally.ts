/** Counts by fixed words; what a scrape reads. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** `words` come from fixed lists; they never hold anything a sender chose. */
  add(...words: string[]): void {
    const key = words.join(' ');
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  count(...words: string[]): number {
    return this.#counts.get(words.join(' ')) ?? 0;
  }

  *entries(): Iterable<{ words: string[]; count: number }> {
    for (const [key, count] of this.#counts) yield { words: key.split(' '), count };
  }
}
