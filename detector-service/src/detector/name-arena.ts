/**
 * Names as bytes in large pages: a name that is a JavaScript string of its own costs two to four times its length, and
 * one cut out of a topic keeps the whole topic alive.
 *
 * An entry is the name's length (two bytes, the lowest bit set when it is wide) and its characters: a byte each, or
 * two in a wide name, which has some beyond Latin-1; filled up to whole units.
 */
const PAGE_BYTES = 1 << 16;
/** References count units of so many bytes, so that 31 bits reach far. */
const UNIT_BYTES = 4;
const HEAD_BYTES = 2;
/** The longest name: if wide, it fills a page. Far beyond what the protocol allows. */
export const NAME_CHARS_MAX = (PAGE_BYTES - HEAD_BYTES) / 2;

export class NameArena {
  readonly #pages: Buffer[] = [];
  /** Where the next new entry begins. */
  #end = 0;
  /** References to removed entries by their length; the next name of that length takes their place. */
  readonly #free = new Map<number, number[]>();

  /**
   * Keeps a name. Returns the reference by which it is found again.
   *
   * @throws RangeError when it is longer than NAME_CHARS_MAX
   */
  add(name: string): number {
    if (name.length > NAME_CHARS_MAX) {
      throw new RangeError(`a name has at most ${NAME_CHARS_MAX} characters, not ${name.length}`);
    }
    const wide = isWide(name);
    const length = entryBytes(name.length, wide);
    const at = this.#free.get(length)?.pop() ?? this.#append(length);
    const page = this.#page(at);
    const start = at % PAGE_BYTES;
    page.writeUInt16LE(2 * name.length + Number(wide), start);
    if (wide) page.write(name, start + HEAD_BYTES, 'utf16le');
    else for (let i = 0; i < name.length; i += 1) page[start + HEAD_BYTES + i] = name.charCodeAt(i);
    return at / UNIT_BYTES;
  }

  remove(reference: number): void {
    const at = reference * UNIT_BYTES;
    const length = entryLength(this.#page(at), at % PAGE_BYTES);
    const free = this.#free.get(length);
    if (free === undefined) this.#free.set(length, [at]);
    else free.push(at);
  }

  at(reference: number): string {
    const at = reference * UNIT_BYTES;
    return nameIn(this.#page(at), at % PAGE_BYTES);
  }

  /** True when the name is the one referred to. */
  equals(reference: number, name: string): boolean {
    const at = reference * UNIT_BYTES;
    const page = this.#page(at);
    let byte = at % PAGE_BYTES;
    const head = headOf(page, byte);
    if (head >> 1 !== name.length) return false;
    byte += HEAD_BYTES;
    if ((head & 1) === 1) return page.toString('utf16le', byte, byte + 2 * name.length) === name;
    for (let i = 0; i < name.length; i += 1) if (page[byte + i] !== name.charCodeAt(i)) return false;
    return true;
  }

  /** Copies an entry to `into` at `at`, for snapshots. Returns where it ends. */
  save(reference: number, into: Buffer, at: number): number {
    const page = this.#page(reference * UNIT_BYTES);
    const start = (reference * UNIT_BYTES) % PAGE_BYTES;
    return at + page.copy(into, at, start, start + entryLength(page, start));
  }

  /** Bytes of all entries together, removed ones included. */
  get bytes(): number {
    return this.#end;
  }

  #page(at: number): Buffer {
    return this.#pages[Math.floor(at / PAGE_BYTES)] as Buffer;
  }

  /** Room for a new entry, which does not reach over the end of a page. */
  #append(length: number): number {
    if ((this.#end % PAGE_BYTES) + length > PAGE_BYTES) this.#end = PAGE_BYTES * this.#pages.length;
    const at = this.#end;
    if (at === PAGE_BYTES * this.#pages.length) this.#pages.push(Buffer.alloc(PAGE_BYTES));
    this.#end += length;
    return at;
  }
}

/** The name of the entry at `at`. */
export function nameIn(bytes: Buffer, at: number): string {
  const head = headOf(bytes, at);
  const start = at + HEAD_BYTES;
  const length = head >> 1;
  return (head & 1) === 1
    ? bytes.toString('utf16le', start, start + 2 * length)
    : bytes.toString('latin1', start, start + length);
}

/** Length of the entry at `at`. */
export function entryLength(bytes: Buffer, at: number): number {
  const head = headOf(bytes, at);
  return entryBytes(head >> 1, (head & 1) === 1);
}

function headOf(bytes: Buffer, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

function entryBytes(characters: number, wide: boolean): number {
  const bytes = HEAD_BYTES + (wide ? 2 * characters : characters);
  return Math.ceil(bytes / UNIT_BYTES) * UNIT_BYTES;
}

function isWide(name: string): boolean {
  for (let i = 0; i < name.length; i += 1) if (name.charCodeAt(i) > 0xff) return true;
  return false;
}
