/** Cuts a stream of bytes into lines of bounded length, without an event or a promise per line. */

const NEWLINE = 10;

/** Stands in the place of a line that was longer than allowed, so that lines can still be counted. */
export const TOO_LONG = undefined;

export class LineSplitter {
  readonly #bytesMax: number;
  /** The beginning of a line whose end has not come yet. */
  #tail: Uint8Array[] = [];
  #tailBytes = 0;
  /** The line being read is too long already: the rest of it is thrown away. */
  #overflowed = false;

  /** @param bytesMax longest line that is kept */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that end in this chunk. */
  push(chunk: Uint8Array): (string | typeof TOO_LONG)[] {
    const end = chunk.lastIndexOf(NEWLINE);
    if (end < 0) {
      this.#keep(chunk);
      return [];
    }
    const overflowed = this.#overflowed;
    const complete = Buffer.concat([...this.#tail, chunk.subarray(0, end)]);
    this.#tail = [];
    this.#tailBytes = 0;
    this.#overflowed = false;
    this.#keep(chunk.subarray(end + 1));
    const lines: (string | typeof TOO_LONG)[] = complete.toString('utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      if ((line?.length ?? 0) > this.#bytesMax) lines[index] = TOO_LONG;
    }
    if (overflowed) lines[0] = TOO_LONG;
    return lines;
  }

  /** The last line, when the stream ended without a newline. */
  end(): (string | typeof TOO_LONG)[] {
    if (this.#overflowed) return [TOO_LONG];
    return this.#tailBytes === 0 ? [] : [Buffer.concat(this.#tail).toString('utf8')];
  }

  #keep(bytes: Uint8Array): void {
    if (this.#overflowed || bytes.length === 0) return;
    this.#tailBytes += bytes.length;
    if (this.#tailBytes > this.#bytesMax) {
      this.#overflowed = true;
      this.#tail = [];
      this.#tailBytes = 0;
    } else this.#tail.push(bytes);
  }
}
