/** When heartbeats could be heard and were counted, looking back as far as slots can still be written. */

/** Spells of deafness remembered; of more the oldest are merged, as if it had been deaf between them too. */
const SPELLS_MAX = 1000;

export interface DeafSpell {
  readonly from: number;
  readonly to: number;
}

export class HearingTimes {
  /** In the order of time, apart from each other. */
  #spells: DeafSpell[] = [];
  /** Since when nothing is heard; undefined while it is. A monitor begins deaf. */
  #deafSince: number | undefined = Number.NEGATIVE_INFINITY;

  /** From `at` on nothing is heard. */
  deaf(at: number): void {
    this.#deafSince = Math.min(this.#deafSince ?? at, at);
  }

  hears(at: number): void {
    if (this.#deafSince === undefined) return;
    const from = Math.max(this.#deafSince, this.#spells.at(-1)?.to ?? Number.NEGATIVE_INFINITY);
    this.#deafSince = undefined;
    if (at <= from) return;
    this.#spells.push({ from, to: at });
    if (this.#spells.length <= SPELLS_MAX) return;
    const [first, second] = this.#spells.splice(0, 2) as [DeafSpell, DeafSpell];
    this.#spells.unshift({ from: first.from, to: second.to });
  }

  /** Milliseconds between two instants in which it heard. */
  heardMs(from: number, to: number): number {
    let heardMs = to - from;
    for (let index = this.#spells.length - 1; index >= 0; index--) {
      const spell = this.#spells[index] as DeafSpell;
      if (spell.to <= from) break;
      heardMs -= Math.max(0, Math.min(to, spell.to) - Math.max(from, spell.from));
    }
    if (this.#deafSince !== undefined) heardMs -= Math.max(0, to - Math.max(from, this.#deafSince));
    return Math.max(0, heardMs);
  }

  /** Forgets what ended before `at`. */
  forget(at: number): void {
    this.#spells = this.#spells.filter(({ to }) => to > at);
  }

  /** For a snapshot taken at `at`: the spells, the open one included. */
  persistent(at: number): DeafSpell[] {
    const open = this.#deafSince;
    return open === undefined || open >= at ? this.#spells : [...this.#spells, { from: open, to: at }];
  }

  /** Goes on from a snapshot: what came after it was forgotten, so it counts as not heard. */
  restore(spells: readonly (DeafSpell | { from: null; to: number })[], at: number): void {
    // JSON has no infinity: a spell without beginning comes back as null.
    this.#spells = spells.map(({ from, to }) => ({ from: from ?? Number.NEGATIVE_INFINITY, to }));
    this.#deafSince = at;
  }
}
