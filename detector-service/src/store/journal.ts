/**
 * The journal: every point is first a durable line here, and only then anything else.
 *
 * Lines go to the segment of the UTC day in which they are appended, whatever instant they tell of, so positions
 * only ever grow and a place in the journal says what was known when. There is one writer. Appends that come in
 * while the disk works are served together by one write and one fsync. See ARCHITECTURE.md for how this is the
 * outbox when there is an InfluxDB, and the store itself when there is none.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { StoreError } from './errors.ts';
import { IndexKeeper } from './index-keeper.ts';
import { type JournalReader, readSeries } from './journal-reader.ts';
import { takeLock } from './lock-file.ts';
import { comparePositions, JOURNAL_START, type Position } from './position.ts';
import { deleteOldSegments } from './retention.ts';
import {
  type BatchLimits,
  type Block,
  healTail,
  type LineBatch,
  listSegments,
  readBlocks,
  readLines,
  segmentPath,
} from './segment.ts';
import { SegmentWriter } from './segment-writer.ts';
import type { SeriesWanted } from './series-lines.ts';
import { readStates, type Span } from './state-reading.ts';

export interface JournalOptions {
  /** Holds the day segments `YYYY-MM-DD.lp` and `journal.lock`. Created when missing. */
  readonly directory: string;
  readonly logger: Logger;
  /** Epoch milliseconds; says which segment an append goes to. */
  readonly now?: () => number;
  /**
   * `always` (default): an append resolves after fsync and survives a power failure. `interval`: it resolves after
   * the write, and a power failure costs what came within `syncIntervalMs`; a killed process costs nothing.
   */
  readonly sync?: 'always' | 'interval';
  /** Time between two fsyncs of the policy `interval`. Default 1 s. */
  readonly syncIntervalMs?: number;
  /** Segments of days that ended longer ago are deleted, but never the last two. Default: kept for ever. */
  readonly retentionMs?: number;
  /** True when a sender will tell by `delivered()` what InfluxDB has: nothing else is deleted then. */
  readonly keepUndelivered?: boolean;
  /** Bound on bytes that wait for the disk; beyond it appends are refused. Default 64 MiB. */
  readonly pendingBytesMax?: number;
  /** Pause before a failed write is tried again. Default 1 s. */
  readonly retryMs?: number;
}

export interface JournalCounters {
  readonly appendedLines: number;
  readonly appendedBytes: number;
  /** Writes; fewer than appends when these came together. */
  readonly commits: number;
  /** Failed attempts to write or fsync; nothing is lost by them, they are tried again. */
  readonly writeErrors: number;
  /** Failed attempts since the last one that went well; 0 while the disk takes what it is given. */
  readonly failedInARow: number;
  /** Lines refused because too much waited for the disk. */
  readonly refusedLines: number;
  /** Bytes of a line cut off at opening because its writing had been interrupted. */
  readonly tornBytes: number;
  readonly deletedSegments: number;
  readonly pendingBytes: number;
}

export interface Journal extends JournalReader, AsyncDisposable {
  readonly directory: string;
  /**
   * Adds lines, in the order of calls; resolves when they are durable. A full disk does not reject: it is logged
   * and counted, and writing is tried again for as long as it takes.
   * @throws StoreError `journal-backlog-full` when too much waits for the disk already; `journal-closed`.
   */
  append(lines: readonly string[]): Promise<void>;
  /** Resolves when less than half of the bound on waiting bytes is used; an append is then sure to be taken. */
  room(): Promise<void>;
  /** The same as {@link JournalReader.read}, as bytes: for who passes lines on and does not look at them. */
  readBytes(from: Position, to: Position, bytesMax: number): AsyncIterable<Block>;
  /** Where the next line will start; everything before is durable. */
  end(): Position;
  /** Resolves when something durable lies beyond `position`, or when `signal` aborts. */
  grown(position: Position, signal: AbortSignal): Promise<void>;
  /** A sender tells up to where the server has everything. */
  delivered(position: Position): void;
  counters(): JournalCounters;
  /** Writes what waits, fsyncs, and gives the lock back. */
  close(): Promise<void>;
}

/**
 * Opens the journal for writing; cuts off a line whose writing was interrupted.
 * @throws StoreError `journal-locked` when another process writes there; `journal-unreadable`.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { directory, logger } = options;
  await mkdir(directory, { recursive: true, mode: 0o750 });
  const release = await takeLock(join(directory, 'journal.lock'));
  try {
    const segment = (await listSegments(directory)).at(-1);
    const tail =
      segment === undefined ? { size: 0, tornBytes: 0 } : await healTail(segmentPath(directory, segment));
    if (tail.tornBytes > 0) {
      logger.warn({ segment, ...tail }, 'journal: cut off a line whose writing had been interrupted');
    }
    const end = segment === undefined ? JOURNAL_START : { segment, offset: tail.size };
    return new SegmentJournal(options, release, end, tail.tornBytes);
  } catch (error) {
    await release();
    throw new StoreError('journal-unreadable', `cannot open the journal in ${directory}`, { cause: error });
  }
}

interface Waiting {
  readonly text: string;
  readonly bytes: number;
  readonly lines: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Bytes that one write takes at most. */
const COMMIT_BYTES_MAX = 8 * 1_048_576;

class SegmentJournal implements Journal {
  readonly directory: string;
  readonly #options: JournalOptions;
  readonly #release: () => Promise<void>;
  readonly #writer: SegmentWriter;
  readonly #indexes: IndexKeeper;
  readonly #tornBytes: number;
  #waiting: Waiting[] = [];
  #pendingBytes = 0;
  #committing: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #watchers = new Set<() => void>();
  #deliveredTo: Position | undefined;
  #appendedLines = 0;
  #appendedBytes = 0;
  #commits = 0;
  #refusedLines = 0;
  #deletedSegments = 0;

  constructor(options: JournalOptions, release: () => Promise<void>, end: Position, tornBytes: number) {
    this.directory = options.directory;
    this.#options = options;
    this.#release = release;
    this.#tornBytes = tornBytes;
    this.#writer = new SegmentWriter(options, end, () => this.#notify());
    this.#indexes = new IndexKeeper(options.directory, options.logger);
    this.#indexes.grownTo(end);
  }

  append(lines: readonly string[]): Promise<void> {
    if (this.#closed) return Promise.reject(new StoreError('journal-closed', 'the journal is closed'));
    if (lines.length === 0) return Promise.resolve();
    const text = `${lines.join('\n')}\n`;
    const bytes = Buffer.byteLength(text);
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > this.#pendingBytesMax()) {
      this.#refusedLines += lines.length;
      const message = `${this.#pendingBytes} bytes wait for the disk already: wait for room()`;
      return Promise.reject(new StoreError('journal-backlog-full', message));
    }
    this.#pendingBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, bytes, lines: lines.length, resolve, reject });
      this.#committing ??= this.#commitAll();
    });
  }

  async room(): Promise<void> {
    while (this.#pendingBytes > this.#pendingBytesMax() / 2) await this.#change();
  }

  segments(): Promise<string[]> {
    return listSegments(this.directory);
  }

  read(from?: Position, to?: Position, limits?: BatchLimits): AsyncIterable<LineBatch> {
    const end = this.end();
    const until = to === undefined || comparePositions(to, end) > 0 ? end : to;
    return readLines(this.directory, from, until, limits);
  }

  readSeries(series: SeriesWanted, fromAt?: number): AsyncIterable<LineBatch> {
    return readSeries(this.directory, series, fromAt, this.end());
  }

  readStates(spans: readonly Span[]): AsyncIterable<LineBatch> {
    return readStates(this.directory, spans);
  }

  readBytes(from: Position, to: Position, bytesMax: number): AsyncIterable<Block> {
    return readBlocks(this.directory, from, to, bytesMax);
  }

  end(): Position {
    return this.#writer.end();
  }

  async grown(position: Position, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && comparePositions(this.end(), position) <= 0) await this.#change(signal);
  }

  delivered(position: Position): void {
    const isNextSegment = this.#deliveredTo?.segment !== position.segment;
    this.#deliveredTo = position;
    if (isNextSegment) void this.#deleteOld();
  }

  counters(): JournalCounters {
    return {
      appendedLines: this.#appendedLines,
      appendedBytes: this.#appendedBytes,
      commits: this.#commits,
      writeErrors: this.#writer.errors,
      failedInARow: this.#writer.failedInARow,
      refusedLines: this.#refusedLines,
      tornBytes: this.#tornBytes,
      deletedSegments: this.#deletedSegments,
      pendingBytes: this.#pendingBytes,
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #finish(): Promise<void> {
    this.#writer.stopRetrying();
    await this.#committing;
    await this.#writer.close();
    await this.#indexes.close();
    await this.#release();
    this.#notify();
  }

  async #commitAll(): Promise<void> {
    // Whatever is appended in the same turn shares the first write.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#nextCommit();
      const bytes = batch.reduce((sum, { bytes }) => sum + bytes, 0);
      try {
        const isNewSegment = await this.#writer.write(Buffer.from(batch.map(({ text }) => text).join('')));
        this.#commits++;
        this.#appendedBytes += bytes;
        for (const { lines, resolve } of batch) {
          this.#appendedLines += lines;
          resolve();
        }
        if (isNewSegment) void this.#deleteOld();
        this.#indexes.grownTo(this.end());
      } catch (error) {
        const message = 'the journal was closed while its disk refused to write';
        for (const { reject } of batch) reject(new StoreError('journal-closed', message, { cause: error }));
      }
      this.#pendingBytes -= bytes;
      this.#notify();
    }
    this.#committing = undefined;
  }

  #nextCommit(): Waiting[] {
    let bytes = 0;
    const end = this.#waiting.findIndex((append, index) => {
      bytes += append.bytes;
      return index > 0 && bytes > COMMIT_BYTES_MAX;
    });
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }

  #pendingBytesMax(): number {
    return this.#options.pendingBytesMax ?? 64 * 1_048_576;
  }

  #change(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#watchers.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.#watchers.add(done);
      signal?.addEventListener('abort', done);
    });
  }

  #notify(): void {
    for (const done of [...this.#watchers]) done();
  }

  async #deleteOld(): Promise<void> {
    this.#deletedSegments += await deleteOldSegments(this.#options, this.#deliveredTo);
  }
}
