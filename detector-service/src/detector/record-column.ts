/**
 * One quantity of every device, read and written by the device's index. It lies strided among the other columns' in
 * the records that `device-records.ts` lays out.
 *
 * A class for each kind of number, alike as they are: the compiler makes two instructions of an access whose kind it
 * knows, and a search of one whose kind it does not. For the same reason `get` and `set` are as short as they are:
 * functions of this size are always inlined.
 */
const INT32_MAX = 0x7fff_ffff;

/** Bytes of each kind of number. */
export const KIND_BYTES = { float64: 8, float32: 4, int32: 4, uint16: 2 } as const;
export type Kind = keyof typeof KIND_BYTES;
export type Column = Float64Column | Float32Column | Int32Column | Uint16Column;

export class Float64Column {
  readonly kind = 'float64';
  #values = new Float64Array(0);
  #step = 0;

  /** Lies in these records, each of `recordBytes`, from this byte on. */
  place(records: ArrayBuffer, recordBytes: number, offset: number): void {
    this.#values = new Float64Array(records, offset);
    this.#step = recordBytes / KIND_BYTES.float64;
  }

  get(device: number): number {
    return this.#values[device * this.#step] as number;
  }

  set(device: number, value: number): void {
    this.#values[device * this.#step] = value;
  }
}

/** May be a row of numbers for each device: then `get` and `set` speak of the first. */
export class Float32Column {
  readonly kind = 'float32';
  #values = new Float32Array(0);
  #step = 0;

  place(records: ArrayBuffer, recordBytes: number, offset: number): void {
    this.#values = new Float32Array(records, offset);
    this.#step = recordBytes / KIND_BYTES.float32;
  }

  get(device: number): number {
    return this.#values[device * this.#step] as number;
  }

  set(device: number, value: number): void {
    this.#values[device * this.#step] = value;
  }

  /** The array in which the rows lie, until a device is added, … */
  get values(): Float32Array {
    return this.#values;
  }

  /** … and where in it a device's begins. */
  base(device: number): number {
    return device * this.#step;
  }
}

export class Int32Column {
  readonly kind = 'int32';
  #values = new Int32Array(0);
  #step = 0;

  place(records: ArrayBuffer, recordBytes: number, offset: number): void {
    this.#values = new Int32Array(records, offset);
    this.#step = recordBytes / KIND_BYTES.int32;
  }

  get(device: number): number {
    return this.#values[device * this.#step] as number;
  }

  set(device: number, value: number): void {
    this.#values[device * this.#step] = value;
  }

  /** Counts on; a full counter stays full. */
  add(device: number, count: number): void {
    this.set(device, Math.min(INT32_MAX, this.get(device) + count));
  }
}

export class Uint16Column {
  readonly kind = 'uint16';
  #values = new Uint16Array(0);
  #step = 0;

  place(records: ArrayBuffer, recordBytes: number, offset: number): void {
    this.#values = new Uint16Array(records, offset);
    this.#step = recordBytes / KIND_BYTES.uint16;
  }

  get(device: number): number {
    return this.#values[device * this.#step] as number;
  }

  set(device: number, value: number): void {
    this.#values[device * this.#step] = value;
  }
}
