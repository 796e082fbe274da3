/**
 * A state on disk, as the records that led to it: one file that grows at its end and is written anew, with what is
 * left of it, whenever it has doubled.
 *
 * Each line carries its checksum. A line that a power failure has torn is left out when the file is read, and the
 * file is written anew before anything is added. Appends are committed in groups: while one group is on its way
 * to the disk the next one gathers, so that the price of an fsync is shared by all who wait for it.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

export interface RecordLogParts<Entry> {
  readonly path: string;
  /**
   * The state as records. It may change while they are read: what was appended meanwhile follows, so that to apply a
   * record a second time must change nothing.
   */
  readonly snapshot: () => Iterable<Entry>;
  /** Something could not be written; whoever waits for it is told as well. */
  readonly onTrouble: (error: Error) => void;
  /** A file smaller than this is not worth writing anew. */
  readonly rewriteBytesMin?: number;
}

interface Group {
  text: string;
  /** Somebody waits for it to be on the disk. */
  isAwaited: boolean;
  readonly written: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const REWRITE_BYTES_MIN = 8 * 1024 * 1024;
const PIECE_CHARACTERS = 256 * 1024;
const CHECKSUM_LENGTH = 8;

export class RecordLog<Entry> {
  readonly #parts: RecordLogParts<Entry>;
  readonly #rewriteBytesMin: number;
  #file: FileHandle;
  #bytes = 0;
  /** The file is written anew when it has grown to this. */
  #rewriteAtBytes = 0;
  /** The last write broke off, perhaps in the middle of a line. */
  #isTorn = false;
  #next = newGroup();
  #running: Promise<void> | undefined;

  /**
   * Writes the file anew with the state as it is, and goes on from there.
   * @throws what the file system says.
   */
  static async start<Entry>(parts: RecordLogParts<Entry>): Promise<RecordLog<Entry>> {
    const log = new RecordLog(parts, await open(parts.path, 'a', 0o640));
    await log.#rewrite();
    return log;
  }

  private constructor(parts: RecordLogParts<Entry>, file: FileHandle) {
    this.#parts = parts;
    this.#rewriteBytesMin = parts.rewriteBytesMin ?? REWRITE_BYTES_MIN;
    this.#file = file;
  }

  /** Resolves when the record is on the disk (fdatasync); rejects when it could not be written. */
  append(entry: Entry): Promise<void> {
    const group = this.#next;
    group.text += lineOf(entry);
    group.isAwaited = true;
    this.#running ??= this.#run();
    return group.written;
  }

  /** Writes the record soon. It outlives this process, and may not outlive a power failure. */
  note(entry: Entry): void {
    this.#next.text += lineOf(entry);
    this.#running ??= this.#run();
  }

  /** Nothing may be appended after this. */
  async close(): Promise<void> {
    await this.#running;
    await this.#file.datasync();
    await this.#file.close();
  }

  async #run(): Promise<void> {
    while (this.#next.text !== '') {
      const group = this.#next;
      this.#next = newGroup();
      try {
        await this.#write(group);
        group.resolve();
        if (this.#bytes >= this.#rewriteAtBytes) await this.#rewriteOrGoOn();
      } catch (error) {
        this.#isTorn = true;
        this.#rewriteAtBytes = 0; // the first moment that it can be written it shall say what is true
        this.#parts.onTrouble(error as Error);
        group.reject(error as Error);
      }
    }
    this.#running = undefined;
  }

  async #write({ text, isAwaited }: Group): Promise<void> {
    // What is left of a torn line ends here, and is one damaged line.
    const bytes = Buffer.from(this.#isTorn ? `\n${text}` : text);
    await this.#file.appendFile(bytes);
    if (isAwaited) await this.#file.datasync();
    this.#isTorn = false;
    this.#bytes += bytes.length;
  }

  async #rewriteOrGoOn(): Promise<void> {
    try {
      await this.#rewrite();
    } catch (error) {
      this.#rewriteAtBytes = this.#bytes * 2;
      this.#parts.onTrouble(error as Error);
    }
  }

  async #rewrite(): Promise<void> {
    const { path } = this.#parts;
    const fresh = await open(`${path}.new`, 'w', 0o640);
    let bytes: number;
    try {
      bytes = await this.#writeSnapshot(fresh);
      await rename(`${path}.new`, path);
    } catch (error) {
      await fresh.close();
      throw error;
    }
    const old = this.#file;
    this.#file = fresh;
    this.#isTorn = false;
    this.#bytes = bytes;
    this.#rewriteAtBytes = Math.max(this.#rewriteBytesMin, bytes * 2);
    await old.close();
    await syncDirectory(dirname(path));
  }

  async #writeSnapshot(file: FileHandle): Promise<number> {
    let bytes = 0;
    for (const piece of pieces(this.#parts.snapshot())) {
      const buffer = Buffer.from(piece);
      await file.appendFile(buffer);
      bytes += buffer.length;
    }
    await file.sync();
    return bytes;
  }
}

function newGroup(): Group {
  let resolve = (): void => {};
  let reject = (_error: Error): void => {};
  const written = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  written.catch(() => {}); // who waits hears of it; a group of notes has nobody who does
  return { text: '', isAwaited: false, written, resolve, reject };
}

function lineOf(entry: unknown): string {
  const json = JSON.stringify(entry);
  return `${checksumOf(json)} ${json}\n`;
}

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(CHECKSUM_LENGTH, '0');
}

function* pieces(entries: Iterable<unknown>): Generator<string> {
  let piece = '';
  for (const entry of entries) {
    piece += lineOf(entry);
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

/**
 * Replays a file, which need not exist, the oldest record first.
 * @returns the number of lines whose checksum is wrong; they are left out.
 */
export async function readRecords<Entry>(path: string, replay: (entry: Entry) => void): Promise<number> {
  let damaged = 0;
  for await (const line of linesOf(path)) {
    const json = line.slice(CHECKSUM_LENGTH + 1);
    if (line.slice(0, CHECKSUM_LENGTH) === checksumOf(json)) replay(JSON.parse(json));
    else if (line !== '') damaged += 1;
  }
  return damaged;
}

/** Not by readline, for which a topic with U+2028 in it would be two lines. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  try {
    for await (const chunk of createReadStream(path, 'utf8')) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  yield rest;
}

/** Makes a new name in a directory durable. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
