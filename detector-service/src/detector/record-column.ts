/**
 * One quantity of every device, read and written by the device's index. It lies strided in pages of records that it
 * shares with the other columns; see `record-pages.ts`.
 *
 * A class for each kind of number, alike as they are: the compiler makes a few instructions of an access whose kind
 * it knows, and a search of one whose kind it does not.
 */
const PAGE_BITS = 12;
export const PAGE_RECORDS = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_RECORDS - 1;
const INT32_MAX = 0x7fff_ffff;

/** Bytes of each kind of number. */
export const KIND_BYTES = { float64: 8, float32: 4, int32: 4, uint16: 2 } as const;
export type Kind = keyof typeof KIND_BYTES;
export type Column = Float64Column | Float32Column | Int32Column | Uint16Column;

export class Float64Column {
  readonly kind = 'float64';
  readonly #pages: readonly Float64Array[];
  #record = 0;
  #offset = 0;

  constructor(pages: readonly Float64Array[]) {
    this.#pages = pages;
  }

  /** Says where it lies: at `offset` in records of this length, both in numbers of its kind. */
  place(record: number, offset: number): void {
    this.#record = record;
    this.#offset = offset;
  }

  get(device: number): number {
    const page = this.#pages[device >>> PAGE_BITS] as Float64Array;
    return page[(device & PAGE_MASK) * this.#record + this.#offset] as number;
  }

  set(device: number, value: number): void {
    const page = this.#pages[device >>> PAGE_BITS] as Float64Array;
    page[(device & PAGE_MASK) * this.#record + this.#offset] = value;
  }
}

/** May be a row of numbers for each device: then `get` and `set` speak of the first. */
export class Float32Column {
  readonly kind = 'float32';
  readonly #pages: readonly Float32Array[];
  #record = 0;
  #offset = 0;

  constructor(pages: readonly Float32Array[]) {
    this.#pages = pages;
  }

  /** Says where it lies: at `offset` in records of this length, both in numbers of its kind. */
  place(record: number, offset: number): void {
    this.#record = record;
    this.#offset = offset;
  }

  get(device: number): number {
    return this.page(device)[this.base(device)] as number;
  }

  set(device: number, value: number): void {
    this.page(device)[this.base(device)] = value;
  }

  /** The page in which the device's numbers lie, … */
  page(device: number): Float32Array {
    return this.#pages[device >>> PAGE_BITS] as Float32Array;
  }

  /** … and where in it they begin. Both hold until a device is added. */
  base(device: number): number {
    return (device & PAGE_MASK) * this.#record + this.#offset;
  }
}

export class Int32Column {
  readonly kind = 'int32';
  readonly #pages: readonly Int32Array[];
  #record = 0;
  #offset = 0;

  constructor(pages: readonly Int32Array[]) {
    this.#pages = pages;
  }

  /** Says where it lies: at `offset` in records of this length, both in numbers of its kind. */
  place(record: number, offset: number): void {
    this.#record = record;
    this.#offset = offset;
  }

  get(device: number): number {
    const page = this.#pages[device >>> PAGE_BITS] as Int32Array;
    return page[(device & PAGE_MASK) * this.#record + this.#offset] as number;
  }

  set(device: number, value: number): void {
    const page = this.#pages[device >>> PAGE_BITS] as Int32Array;
    page[(device & PAGE_MASK) * this.#record + this.#offset] = value;
  }

  /** Counts on; a full counter stays full. */
  add(device: number, count: number): void {
    this.set(device, Math.min(INT32_MAX, this.get(device) + count));
  }
}

export class Uint16Column {
  readonly kind = 'uint16';
  readonly #pages: readonly Uint16Array[];
  #record = 0;
  #offset = 0;

  constructor(pages: readonly Uint16Array[]) {
    this.#pages = pages;
  }

  /** Says where it lies: at `offset` in records of this length, both in numbers of its kind. */
  place(record: number, offset: number): void {
    this.#record = record;
    this.#offset = offset;
  }

  get(device: number): number {
    const page = this.#pages[device >>> PAGE_BITS] as Uint16Array;
    return page[(device & PAGE_MASK) * this.#record + this.#offset] as number;
  }

  set(device: number, value: number): void {
    const page = this.#pages[device >>> PAGE_BITS] as Uint16Array;
    page[(device & PAGE_MASK) * this.#record + this.#offset] = value;
  }
}
