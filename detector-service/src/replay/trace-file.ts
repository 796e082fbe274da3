/**
 * Reads traces and truth from files, plain or compressed, in batches: memory does not grow with the file, and a
 * batch costs one promise instead of one per line.
 */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LineSplitter, TOO_LONG } from './line-splitter.ts';
import { type BadLine, LineProblem, TraceError } from './trace-error.ts';
import { parseTraceLine, type TraceEvent } from './trace-line.ts';
import { parseTruthLine, type TruthLine } from './truth-line.ts';

/** A trace's lines have some hundred bytes; what is longer is not a trace. */
const LINE_BYTES_MAX = 65_536;
const CHUNK_BYTES = 262_144;

export interface ReadingOptions {
  /** Leave out bad lines and count them, instead of stopping at the first. */
  readonly skipBad?: boolean | undefined;
  /** What `-` stands for. */
  readonly stdin?: Readable | undefined;
}

/** A file being read: iterate over it once for its items in batches; the counts are those so far. */
export class LineFile<T extends { readonly at: number }> implements AsyncIterable<readonly T[]> {
  /** Lines left out because of `skipBad`, by reason. */
  readonly bad = new Map<BadLine | 'truncated', number>();
  readonly #path: string;
  readonly #options: ReadingOptions;
  readonly #parse: (text: string) => T | LineProblem;
  #line = 0;
  #items = 0;
  #lastAt = Number.NEGATIVE_INFINITY;
  #lastLine = 0;

  constructor(path: string, parse: (text: string) => T | LineProblem, options: ReadingOptions = {}) {
    this.#path = path;
    this.#parse = parse;
    this.#options = options;
  }

  /** Items read so far. */
  get items(): number {
    return this.#items;
  }

  /** @throws TraceError with file, line, field, value and remedy */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly T[]> {
    const splitter = new LineSplitter(LINE_BYTES_MAX);
    try {
      for await (const chunk of this.#bytes()) yield this.#take(splitter.push(chunk));
    } catch (error) {
      this.#unreadable(error);
      // The beginning of a line that was cut off is no bad line.
      return;
    }
    yield this.#take(splitter.end());
  }

  #bytes(): AsyncIterable<Uint8Array> {
    const { stdin } = this.#options;
    if (this.#path !== '-') return inflated(createReadStream(this.#path, { highWaterMark: CHUNK_BYTES }));
    if (stdin === undefined)
      throw new TraceError('unreadable', '- stands for standard input, and there is none');
    return inflated(stdin);
  }

  #take(lines: readonly (string | typeof TOO_LONG)[]): T[] {
    const items: T[] = [];
    for (const line of lines) {
      this.#line += 1;
      const text = this.#line === 1 ? line?.replace(/^\uFEFF/, '') : line;
      if (text !== TOO_LONG && isBlank(text)) continue;
      const item = this.#parseLine(text);
      if (item instanceof LineProblem) this.#refuse(item);
      else {
        this.#lastAt = item.at;
        this.#lastLine = this.#line;
        items.push(item);
      }
    }
    this.#items += items.length;
    return items;
  }

  #parseLine(text: string | typeof TOO_LONG): T | LineProblem {
    if (text === TOO_LONG) {
      return new LineProblem(
        'too-long',
        `is longer than ${LINE_BYTES_MAX} bytes; is this a trace, line by line?`,
      );
    }
    const item = this.#parse(text);
    if (item instanceof LineProblem || item.at >= this.#lastAt) return item;
    return new LineProblem(
      'unsorted',
      `"t" is ${item.at}, before the ${this.#lastAt} of line ${this.#lastLine}; sort the lines by t`,
    );
  }

  #refuse({ reason, message }: LineProblem): void {
    if (this.#options.skipBad !== true) {
      throw new TraceError(reason, `${this.#path}:${this.#line}: ${message}`, this.#line);
    }
    this.bad.set(reason, (this.bad.get(reason) ?? 0) + 1);
  }

  /** Says what reading failed for, and what had been read by then. */
  #unreadable(error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof TraceError || code === undefined) throw error;
    const readSoFar = `${this.#items} items in ${this.#line} lines were read`;
    if (code === 'Z_BUF_ERROR' || code === 'Z_DATA_ERROR') {
      if (this.#options.skipBad === true) {
        this.bad.set('truncated', 1);
        return;
      }
      const what = code === 'Z_BUF_ERROR' ? 'ends in the middle of' : 'is damaged within';
      throw new TraceError(
        'truncated',
        `${this.#path}: ${what} its compressed data; ${readSoFar}. Fetch it again, or take what there is with skip-bad`,
        undefined,
        error,
      );
    }
    const reason = UNREADABLE[code] ?? message;
    throw new TraceError('unreadable', `${this.#path}: ${reason}`, undefined, error);
  }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'is a directory, and not the data directory of a monitor; name a file in it',
  EACCES: 'may not be read',
};

export type TraceFile = LineFile<TraceEvent>;
export type TruthFile = LineFile<TruthLine>;

/** @param classes what the trace may speak of, by name */
export function traceFile(path: string, classes: object, options?: ReadingOptions): TraceFile {
  const knows = (deviceClass: string) => Object.hasOwn(classes, deviceClass);
  return new LineFile(path, (text) => parseTraceLine(text, knows), options);
}

export function truthFile(path: string, options?: ReadingOptions): TruthFile {
  return new LineFile(path, parseTruthLine, options);
}

/** Decompresses what begins like gzip; a name proves nothing. */
async function* inflated(source: Readable): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const head = await atLeast(2, chunks);
  const whole = Readable.from(prepended(head, chunks), { objectMode: false });
  if (head[0] !== 0x1f || head[1] !== 0x8b) yield* whole;
  else {
    const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
    whole.on('error', (error) => gunzip.destroy(error));
    try {
      yield* whole.pipe(gunzip);
    } finally {
      whole.destroy();
    }
  }
}

async function atLeast(bytes: number, chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let head = Buffer.alloc(0);
  while (head.length < bytes) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    head = Buffer.concat([head, value]);
  }
  return head;
}

async function* prepended(head: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  } finally {
    await chunks.return?.();
  }
}

function isBlank(text: string): boolean {
  return !(text.charCodeAt(0) > 32) && text.trim() === '';
}
