/** Texts that are few and repeat, each kept once and spoken of by number. Number 0 is "none". */
export class Words {
  readonly #texts: (string | undefined)[] = [undefined];
  readonly #numbers = new Map<string | undefined, number>([[undefined, 0]]);

  number(text: string | undefined): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#texts.push(text) - 1;
      this.#numbers.set(text, number);
    }
    return number;
  }

  text(number: number): string | undefined {
    return this.#texts[number];
  }

  /** All but "none", in the order of their numbers. */
  all(): string[] {
    return this.#texts.slice(1) as string[];
  }
}
