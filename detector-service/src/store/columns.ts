/**
 * Numbers about devices, a typed array per quantity and a place per device: a million devices must fit, so none is
 * an object. Arrays are replaced when they grow; never keep one.
 */

export type NumberArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int16Array
  | Float32Array
  | Float64Array
  | Int32Array;

type Kind<A extends NumberArray> = new (length: number) => A;

const ROWS_MIN = 64;
/** Little is wasted, and a row is copied a few times at most. */
const GROWTH = 1.25;

export class Columns<S extends Record<string, Kind<NumberArray>>> {
  readonly of: { [K in keyof S]: InstanceType<S[K]> };
  /** The same arrays without their names: clearing a row is done often. */
  #arrays: NumberArray[] = [];
  #rows = 0;

  constructor(kinds: S) {
    const of: Record<string, NumberArray> = {};
    for (const [name, KindOf] of Object.entries(kinds)) of[name] = new KindOf(0);
    this.of = of as { [K in keyof S]: InstanceType<S[K]> };
  }

  /** Makes room for rows up to `row`; new ones are all zero. */
  reach(row: number): void {
    if (row < this.#rows) return;
    this.#rows = Math.max(ROWS_MIN, Math.ceil(GROWTH * (row + 1)));
    const columns = this.of as Record<string, NumberArray>;
    for (const [name, column] of Object.entries(columns)) {
      const wider = new (column.constructor as Kind<NumberArray>)(this.#rows);
      wider.set(column);
      columns[name] = wider;
    }
    this.#arrays = Object.values(columns);
  }

  clear(row: number): void {
    for (const column of this.#arrays) column[row] = 0;
  }

  /** Rows `from` to `to` by name, for a snapshot; not copied. */
  entries(from: number, to: number): [string, NumberArray][] {
    return Object.entries(this.of as Record<string, NumberArray>).map(([name, column]) => [
      name,
      column.subarray(from, to),
    ]);
  }

  /** Takes over what {@link entries} gave; columns of other names stay zero. */
  restore(name: string, values: NumberArray, from: number): void {
    if (values.length > 0) this.reach(from + values.length - 1);
    (this.of as Record<string, NumberArray>)[name]?.set(values, from);
  }
}
