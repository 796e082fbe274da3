/** Writes to the segment of the day until it works. */
import { constants, type FileHandle, open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { syncDirectory } from './durable-file.ts';
import type { JournalOptions } from './journal.ts';
import { comparePositions, type Position } from './position.ts';
import { segmentPath } from './segment.ts';
import { dayName } from './utc-day.ts';

export class SegmentWriter {
  readonly #options: JournalOptions;
  readonly #onSynced: () => void;
  readonly #stopped = new AbortController();
  #segment: string;
  /** Bytes of whole, written lines in the segment. */
  #size: number;
  /** Everything before is durable; stays in the former segment until a new one holds a durable line. */
  #durableEnd: Position;
  #handle: FileHandle | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  errors = 0;
  failedInARow = 0;

  constructor(options: JournalOptions, end: Position, onSynced: () => void) {
    this.#options = options;
    this.#onSynced = onSynced;
    this.#segment = end.segment;
    this.#size = end.offset;
    this.#durableEnd = end;
  }

  end(): Position {
    return this.#durableEnd;
  }

  /** A write that fails from now on is given up instead of tried again. */
  stopRetrying(): void {
    this.#stopped.abort();
  }

  /**
   * Writes whole lines, however often it takes; one call at a time.
   * @returns true when a new segment was begun.
   */
  async write(bytes: Buffer): Promise<boolean> {
    const { logger, directory, retryMs = 1000 } = this.#options;
    for (;;) {
      try {
        const isNew = await this.#attempt(bytes);
        if (this.failedInARow > 0)
          logger.info({ directory }, 'journal: writing works again; nothing was lost');
        this.failedInARow = 0;
        return isNew;
      } catch (error) {
        this.errors++;
        this.failedInARow++;
        if (this.failedInARow === 1)
          logger.error({ err: error, directory }, 'journal: cannot write; trying again');
        await this.#handle?.close().catch(() => undefined);
        this.#handle = undefined;
        if (this.#stopped.signal.aborted) throw error;
        await pause(retryMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
      }
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#syncTimer);
    await this.#sync();
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #attempt(bytes: Buffer): Promise<boolean> {
    const { now = Date.now, sync = 'always' } = this.#options;
    const day = dayName(now());
    // A clock set back must not set positions back: the current segment goes on until its day has passed.
    const isNew = day > this.#segment;
    if (isNew) await this.#leaveSegment(day);
    this.#handle ??= await this.#openSegment();
    let written = 0;
    while (written < bytes.length) {
      const at = this.#size + written;
      written += (await this.#handle.write(bytes, written, bytes.length - written, at)).bytesWritten;
    }
    if (sync === 'always') await this.#handle.datasync();
    this.#size += bytes.length;
    if (sync === 'always') this.#durableEnd = this.#writtenEnd();
    else this.#syncSoon();
    return isNew;
  }

  async #leaveSegment(day: string): Promise<void> {
    await this.#sync();
    await this.#handle?.close();
    this.#handle = undefined;
    this.#segment = day;
    this.#size = 0;
  }

  async #openSegment(): Promise<FileHandle> {
    const { directory } = this.#options;

    const handle = await open(
      segmentPath(directory, this.#segment),
      constants.O_RDWR | constants.O_CREAT,
      0o640,
    );
    try {
      // A failed write may have left part of a line; it is written again from the last whole one.
      const { size } = await handle.stat();
      if (size > this.#size) await handle.truncate(this.#size);
      await syncDirectory(directory);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  #syncSoon(): void {
    if (this.#syncTimer !== undefined) return;
    this.#syncTimer = setTimeout(() => {
      this.#syncTimer = undefined;
      this.#sync().catch((error: unknown) => {
        this.errors++;
        this.#options.logger.error({ err: error }, 'journal: cannot fsync; trying again');
        this.#syncSoon();
      });
    }, this.#options.syncIntervalMs ?? 1000);
  }

  async #sync(): Promise<void> {
    const end = this.#writtenEnd();
    if (this.#handle === undefined || comparePositions(end, this.#durableEnd) === 0) return;
    await this.#handle.datasync();
    // Another fsync may have ended meanwhile and covered more.
    if (comparePositions(end, this.#durableEnd) > 0) this.#durableEnd = end;
    this.#onSynced();
  }

  #writtenEnd(): Position {
    return { segment: this.#segment, offset: this.#size };
  }
}
