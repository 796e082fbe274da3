import {
  type Column,
  Float32Column,
  Float64Column,
  Int32Column,
  KIND_BYTES,
  type Kind,
  Uint16Column,
} from './record-column.ts';

const CAPACITY_MIN = 16;
/** Records grow by so much at a time: little is wasted, and a record is copied a few times at most. */
const GROWTH = 1.125;
/** Records begin where a 64-bit number may. */
const ALIGNMENT = 8;

/** What a column is, as data. */
export interface ColumnSpec {
  readonly name: string;
  readonly kind: Kind;
  /** How many numbers of the kind stand side by side. */
  readonly numbers: number;
}

interface Declared extends ColumnSpec {
  readonly column: Column;
  readonly blank: number;
}

/**
 * Numbers about every device, all those of one device side by side.
 *
 * A heartbeat of one device out of a million waits for memory more than for anything else. With an array per quantity
 * it would wait twenty times; here all it needs lies in a few neighbouring cache lines.
 *
 * Columns are declared first, then records are reserved.
 */
export class DeviceRecords {
  readonly #declared: Declared[] = [];
  #columnBytes = 0;
  #capacity = 0;
  #bytes = new ArrayBuffer(0);
  /** A new device's record, in 32-bit words, and all records in the same. */
  #blank = new Int32Array(0);
  #words = new Int32Array(0);

  float64(name: string, blank: number): Float64Column {
    return this.#declare(name, new Float64Column(), blank);
  }

  float32(name: string, blank: number, numbers = 1): Float32Column {
    return this.#declare(name, new Float32Column(), blank, numbers);
  }

  int32(name: string, blank: number): Int32Column {
    return this.#declare(name, new Int32Column(), blank);
  }

  uint16(name: string, blank: number): Uint16Column {
    return this.#declare(name, new Uint16Column(), blank);
  }

  /** Declares a column by its description. */
  declare({ name, kind, numbers }: ColumnSpec): Column {
    return kind === 'float32' ? this.float32(name, 0, numbers) : this[kind](name, 0);
  }

  get columns(): readonly (ColumnSpec & { readonly column: Column })[] {
    return this.#declared;
  }

  get recordBytes(): number {
    return Math.ceil(this.#columnBytes / ALIGNMENT) * ALIGNMENT;
  }

  /** Makes room for the records 0 … `records` − 1. */
  reserve(records: number): void {
    if (records <= this.#capacity) return;
    if (this.#capacity === 0) this.#makeBlank();
    this.#capacity = Math.max(records, CAPACITY_MIN, Math.ceil(GROWTH * this.#capacity));
    const bytes = new ArrayBuffer(this.#capacity * this.recordBytes);
    new Uint8Array(bytes).set(new Uint8Array(this.#bytes));
    this.#place(bytes);
  }

  /** Makes the record that of a new device. */
  clear(record: number): void {
    this.#words.set(this.#blank, record * this.#blank.length);
  }

  /** The records `from` … `to` − 1 as bytes; of no use any more when more are reserved. */
  bytes(from: number, to: number): Uint8Array {
    return new Uint8Array(this.#bytes, from * this.recordBytes, (to - from) * this.recordBytes);
  }

  #declare<C extends Column>(name: string, column: C, blank: number, numbers = 1): C {
    this.#declared.push({ name, kind: column.kind, numbers, column, blank });
    this.#columnBytes += numbers * KIND_BYTES[column.kind];
    return column;
  }

  #makeBlank(): void {
    this.#place(new ArrayBuffer(this.recordBytes));
    for (const { column, numbers, blank } of this.#declared) if (numbers > 0) column.set(0, blank);
    this.#blank = this.#words;
    this.#bytes = new ArrayBuffer(0);
  }

  /** Tells every column where it lies: wider numbers first, as their alignment demands. */
  #place(bytes: ArrayBuffer): void {
    this.#bytes = bytes;
    this.#words = new Int32Array(bytes);
    const widestFirst = this.#declared.toSorted((a, b) => KIND_BYTES[b.kind] - KIND_BYTES[a.kind]);
    let offset = 0;
    for (const { column, kind, numbers } of widestFirst) {
      column.place(bytes, this.recordBytes, offset);
      offset += numbers * KIND_BYTES[kind];
    }
  }
}
