/** Names that many devices share, stored once and referred to by number. */
export class NameTable {
  readonly #names: string[];
  readonly #numbers: Map<string, number>;

  constructor(names: readonly string[] = []) {
    this.#names = [...names];
    this.#numbers = new Map(names.map((name, number) => [name, number]));
  }

  /** The number of a name, given out on first sight; −1 for none. */
  number(name: string | undefined): number {
    if (name === undefined) return -1;
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
