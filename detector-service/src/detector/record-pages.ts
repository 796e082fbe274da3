import {
  type Column,
  Float32Column,
  Float64Column,
  Int32Column,
  KIND_BYTES,
  type Kind,
  PAGE_RECORDS,
  Uint16Column,
} from './record-column.ts';

/** Room in the first page at first. */
const FIRST_RECORDS = 16;
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
 * it would wait twenty times; here all it needs lies in a few neighbouring cache lines. The records lie in pages of
 * a few thousand, so that a fleet grows without being copied and wastes less than a page.
 *
 * Columns are declared first, then records are reserved.
 */
export class RecordPages {
  readonly #float64: Float64Array[] = [];
  readonly #float32: Float32Array[] = [];
  readonly #int32: Int32Array[] = [];
  readonly #uint16: Uint16Array[] = [];
  readonly #declared: Declared[] = [];
  #columnBytes = 0;
  #capacity = 0;
  /** A new device's record. */
  #blank = new Int32Array(0);

  float64(name: string, blank: number): Float64Column {
    return this.#declare(name, new Float64Column(this.#float64), blank);
  }

  float32(name: string, blank: number, numbers = 1): Float32Column {
    return this.#declare(name, new Float32Column(this.#float32), blank, numbers);
  }

  int32(name: string, blank: number): Int32Column {
    return this.#declare(name, new Int32Column(this.#int32), blank);
  }

  uint16(name: string, blank: number): Uint16Column {
    return this.#declare(name, new Uint16Column(this.#uint16), blank);
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
    if (this.#capacity === 0) this.#settle();
    if (this.#capacity < PAGE_RECORDS) {
      // A small fleet has but one page, which doubles.
      const wanted = Math.max(records, 2 * this.#capacity, FIRST_RECORDS);
      const small = this.#int32[0];
      this.#setPage(0, Math.min(PAGE_RECORDS, wanted));
      if (small !== undefined) (this.#int32[0] as Int32Array).set(small);
    }
    while (this.#capacity < records) this.#setPage(this.#int32.length, PAGE_RECORDS);
  }

  /** Makes the record that of a new device. */
  clear(record: number): void {
    const page = this.#int32[Math.floor(record / PAGE_RECORDS)] as Int32Array;
    const blank = this.#blank;
    const base = (record % PAGE_RECORDS) * blank.length;
    for (let i = 0; i < blank.length; i += 1) page[base + i] = blank[i] as number;
  }

  /** Copies the records `from` … `to` − 1 to `into`. */
  save(from: number, to: number, into: Uint8Array): void {
    this.#eachPart(from, to, (part, at) => into.set(part, at));
  }

  /** Copies the records 0, 1, … from the bytes that `save` made; there must be room for them. */
  load(bytes: Uint8Array): void {
    const records = bytes.length / this.recordBytes;
    this.#eachPart(0, records, (part, at) => part.set(bytes.subarray(at, at + part.length)));
  }

  /** Walks over the bytes of a range of records page by page. */
  #eachPart(from: number, to: number, visit: (part: Uint8Array, at: number) => void): void {
    const width = this.recordBytes;
    for (let record = from; record < to; ) {
      const row = record % PAGE_RECORDS;
      const count = Math.min(to - record, PAGE_RECORDS - row);
      const { buffer } = this.#int32[Math.floor(record / PAGE_RECORDS)] as Int32Array;
      visit(new Uint8Array(buffer, row * width, count * width), (record - from) * width);
      record += count;
    }
  }

  #declare<C extends Column>(name: string, column: C, blank: number, numbers = 1): C {
    this.#declared.push({ name, kind: column.kind, numbers, column, blank });
    this.#columnBytes += numbers * KIND_BYTES[column.kind];
    return column;
  }

  /** The layout is complete: tells every column where it lies, wider numbers first as their alignment demands. */
  #settle(): void {
    let at = 0;
    const widestFirst = this.#declared.toSorted((a, b) => KIND_BYTES[b.kind] - KIND_BYTES[a.kind]);
    for (const { column, kind, numbers } of widestFirst) {
      const bytes = KIND_BYTES[kind];
      column.place(this.recordBytes / bytes, at / bytes);
      at += numbers * bytes;
    }
    this.#setPage(0, 1);
    for (const { column, numbers, blank } of this.#declared) if (numbers > 0) column.set(0, blank);
    this.#blank = Int32Array.from(this.#int32[0] as Int32Array);
  }

  #setPage(index: number, records: number): void {
    const buffer = new ArrayBuffer(records * this.recordBytes);
    this.#float64[index] = new Float64Array(buffer);
    this.#float32[index] = new Float32Array(buffer);
    this.#int32[index] = new Int32Array(buffer);
    this.#uint16[index] = new Uint16Array(buffer);
    this.#capacity = index * PAGE_RECORDS + records;
  }
}
