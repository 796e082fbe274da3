/** Names that many devices share, stored once and referred to by number. */
export class NameTable {
  readonly #names: string[];
  readonly #numbers: Map<string, number>;

  constructor(names: readonly string[] = []) {
    this.#names = [...names];
    this.#numbers = new Map(names.map((name, number) => [name, number]));
  }

  /**
   * The number of a name, given out on first sight; −1 for none.
   *
   * @param likely a number whose name it probably is, because it was the last time: to compare is cheaper than to look up
   */
  number(name: string | undefined, likely = -1): number {
    if (name === undefined) return -1;
    if (likely >= 0 && this.#names[likely] === name) return likely;
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#names.push(name) - 1;
      this.#numbers.set(name, number);
    }
    return number;
  }

  name(number: number): string | undefined {
    return this.#names[number];
  }

  get names(): readonly string[] {
    return this.#names;
  }
}
