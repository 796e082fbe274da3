/**
 * A state outside this process, as the records that led to it: lines that grow at their end and are written anew, with what
 * is left of them, whenever they have doubled.
 *
 * Each line carries its checksum. A line that a power failure has torn is left out when it is read, and all is written
 * anew before anything is added. Appends are committed in groups: while one group is on its way the next one gathers, so
 * that the price of making it last is shared by all who wait for it.
 */
import { crc32 } from 'node:zlib';
import type { RecordPlace } from './storage.ts';

export interface RecordLogParts<Entry> {
  readonly place: RecordPlace;
  /**
   * The state as records. It may change while they are read: what was appended meanwhile follows, so that to apply a
   * record a second time must change nothing.
   */
  readonly snapshot: () => Iterable<Entry>;
  /** Something could not be written; whoever waits for it is told as well. */
  readonly onTrouble: (error: Error) => void;
  /** Less than this is not worth writing anew. */
  readonly rewriteBytesMin?: number;
}

interface Group {
  text: string;
  /** Somebody waits for it to be on the disk. */
  isAwaited: boolean;
  /** Everything is to be written, what is in this group included: it is part of the state by then. */
  isRewrite: boolean;
  readonly written: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const REWRITE_BYTES_MIN = 8 * 1024 * 1024;
/** While nothing can be added: how often it is tried to write all anew, which may be a lot. */
const REPAIR_MS_MIN = 2_000;
const PIECE_CHARACTERS = 256 * 1024;
const CHECKSUM_LENGTH = 8;

export class RecordLog<Entry> {
  readonly #parts: RecordLogParts<Entry>;
  readonly #rewriteBytesMin: number;
  #bytes = 0;
  /** All is written anew when it has grown to this. */
  #rewriteAtBytes = 0;
  /** The last write broke off, perhaps in the middle of a line. */
  #isTorn = false;
  /** When it was tried last to write all anew because nothing could be added; monotonic. */
  #repairedAt = Number.NEGATIVE_INFINITY;
  #next = newGroup();
  #running: Promise<void> | undefined;

  /**
   * Writes everything anew with the state as it is, and goes on from there.
   * @throws what the place says.
   */
  static async start<Entry>(parts: RecordLogParts<Entry>): Promise<RecordLog<Entry>> {
    const log = new RecordLog(parts);
    await log.#rewrite();
    parts.place.whenForgotten(() => log.#writeAnew());
    return log;
  }

  private constructor(parts: RecordLogParts<Entry>) {
    this.#parts = parts;
    this.#rewriteBytesMin = parts.rewriteBytesMin ?? REWRITE_BYTES_MIN;
  }

  /** Resolves when the record outlives the machine, as far as its place does; rejects when it could not be written. */
  append(entry: Entry): Promise<void> {
    const group = this.#next;
    group.text += lineOf(entry);
    group.isAwaited = true;
    this.#running ??= this.#run();
    return group.written;
  }

  /**
   * Writes the record soon. It outlives this process from when the promise resolves, and may not outlive a power failure.
   * Nobody has to wait: a rejection without a handler does no harm.
   */
  note(entry: Entry): Promise<void> {
    const group = this.#next;
    group.text += lineOf(entry);
    this.#running ??= this.#run();
    return group.written;
  }

  /** Nothing may be appended after this. */
  async close(): Promise<void> {
    await this.#running;
    await this.#parts.place.close();
  }

  #writeAnew(): Promise<void> {
    const group = this.#next;
    group.isRewrite = true;
    this.#running ??= this.#run();
    return group.written;
  }

  async #run(): Promise<void> {
    while (this.#next.text !== '' || this.#next.isRewrite) {
      const group = this.#next;
      this.#next = newGroup();
      try {
        if (group.isRewrite) await this.#rewrite();
        else await this.#write(group);
      } catch (error) {
        this.#isTorn = true;
        this.#rewriteAtBytes = 0; // the first moment that it can be written it shall say what is true
        this.#parts.onTrouble(error as Error);
        if (!(await this.#repair())) {
          group.reject(error as Error);
          continue;
        }
      }
      group.resolve();
      if (this.#bytes >= this.#rewriteAtBytes) await this.#rewriteOrGoOn();
    }
    this.#running = undefined;
  }

  async #write({ text, isAwaited }: Group): Promise<void> {
    // What is left of a torn line ends here, and is one damaged line.
    const lines = this.#isTorn ? `\n${text}` : text;
    await this.#parts.place.append(lines, isAwaited);
    this.#isTorn = false;
    this.#bytes += Buffer.byteLength(lines);
  }

  /**
   * True when all that is true now has been written anew. It may be far less than what filled the disk: a detector has
   * come back for what waited.
   */
  async #repair(): Promise<boolean> {
    const now = performance.now();
    if (now - this.#repairedAt < REPAIR_MS_MIN) return false;
    this.#repairedAt = now;
    try {
      await this.#rewrite();
      return true;
    } catch {
      return false; // for the same reason, which was told
    }
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
    this.#bytes = await this.#parts.place.replace(pieces(this.#parts.snapshot()));
    this.#isTorn = false;
    this.#rewriteAtBytes = Math.max(this.#rewriteBytesMin, this.#bytes * 2);
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
  return { text: '', isAwaited: false, isRewrite: false, written, resolve, reject };
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
 * Replays what is in a place, the oldest record first.
 * @returns the number of lines whose checksum is wrong; they are left out.
 */
export async function readRecords<Entry>(
  place: RecordPlace,
  replay: (entry: Entry) => void,
): Promise<number> {
  let damaged = 0;
  for await (const line of linesOf(place)) {
    const json = line.slice(CHECKSUM_LENGTH + 1);
    if (line.slice(0, CHECKSUM_LENGTH) === checksumOf(json)) replay(JSON.parse(json));
    else if (line !== '') damaged += 1;
  }
  return damaged;
}

/** Not by readline, for which a topic with U+2028 in it would be two lines. */
async function* linesOf(place: RecordPlace): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of place.read()) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  yield rest;
}
