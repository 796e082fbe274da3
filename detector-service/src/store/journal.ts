/** The journal's contract; see ARCHITECTURE.md for how it serves as outbox and as embedded store. */
import type { Logger } from 'pino';
import type { Position } from './position.ts';

export interface JournalOptions {
  /** Holds the day segments `YYYY-MM-DD.lp` and `journal.lock`. Created when missing. */
  readonly directory: string;
  readonly logger: Logger;
  /** Epoch milliseconds; names the segment that an append goes to. */
  readonly now?: () => number;
  /** `always`: an append resolves after fsync. `interval`: after the write; fsync follows within `syncIntervalMs`. */
  readonly sync?: 'always' | 'interval';
  readonly syncIntervalMs?: number;
  /** Segments older than this are deleted, undelivered ones excepted. Default: kept for ever. */
  readonly retentionMs?: number;
  /** True when a sender will tell through `delivered()` what may be deleted. */
  readonly keepUndelivered?: boolean;
  /** Bound on bytes that wait for the disk; beyond it appends are refused. Default 64 MiB. */
  readonly pendingBytesMax?: number;
}

/** A run of whole lines; `end` is where the next one starts. */
export interface JournalBatch {
  readonly lines: string[];
  readonly end: Position;
}

export interface Journal extends AsyncDisposable {
  readonly directory: string;
  /**
   * Adds lines, in the order of calls; resolves when they are durable. A full disk does not reject: it is logged,
   * counted and tried again for as long as it takes.
   * @throws StoreError `journal-backlog-full` when too much waits for the disk already, `journal-closed`.
   */
  append(lines: readonly string[]): Promise<void>;
  /** Resolves when less than half of the bound on waiting bytes is used: at once, usually. */
  room(): Promise<void>;
  /** Durable lines from `from` up to what was durable when the iteration got there, in batches. */
  read(from?: Position, limits?: { linesMax?: number; bytesMax?: number }): AsyncIterable<JournalBatch>;
  /** Where the next line will start; everything before is durable. */
  end(): Position;
  /** Resolves when something durable lies beyond `position`, or when `signal` aborts. */
  grown(position: Position, signal: AbortSignal): Promise<void>;
  /** A sender says up to where the server has everything. */
  delivered(position: Position): void;
  counters(): JournalCounters;
  /** Writes what waits, fsyncs, and gives the lock back. */
  close(): Promise<void>;
}

export interface JournalCounters {
  readonly appendedLines: number;
  readonly appendedBytes: number;
  readonly commits: number;
  readonly writeErrors: number;
  readonly refusedLines: number;
  readonly tornTails: number;
  readonly deletedSegments: number;
  readonly pendingBytes: number;
}
