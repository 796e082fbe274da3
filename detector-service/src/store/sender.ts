/**
 * Moves the journal into InfluxDB: reads behind a cursor that is on disk, sends, and moves the cursor after the
 * server's 204. What is not acknowledged is sent again, for ever, with the same bytes; a point written twice is
 * one point. So neither an outage nor a kill at any moment loses or doubles anything.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Backoff, type BackoffOptions } from './backoff.ts';
import { DeadLetters } from './dead-letters.ts';
import { settle } from './delivery.ts';
import { DeliveryCursor } from './delivery-cursor.ts';
import { describeTarget, type InfluxTarget } from './influx-target.ts';
import { InfluxWriter, type WriteOutcome } from './influx-writer.ts';
import type { Journal } from './journal.ts';
import { comparePositions, type Position } from './position.ts';
import { type Piece, piecesOf } from './segment.ts';
import type { InfluxSender, SenderStatus } from './sender-status.ts';

export interface InfluxSenderOptions {
  readonly journal: Journal;
  readonly target: InfluxTarget;
  readonly logger: Logger;
  /** Lines and bytes in one request at most. Default 10,000 and 1 MiB. */
  readonly batchLinesMax?: number;
  readonly batchBytesMax?: number;
  /** After this long without an answer a request is given up and tried again. Default 30 s. */
  readonly timeoutMs?: number;
  readonly backoff?: BackoffOptions;
  readonly random?: () => number;
  /** Creates a 1.x database that is missing instead of waiting for somebody to do it. */
  readonly createDatabaseIfMissing?: boolean;
  /** How long points are kept in a database that is created; for ever unless given. */
  readonly databaseRetentionMs?: number | undefined;
  /** How long a request under way may go on after `stop()`. Default 2 s. */
  readonly stopGraceMs?: number;
  readonly onStatus?: (status: SenderStatus) => void;
}

/** Starts delivery where it ended last time; for a new target at the start of the journal. */
export async function startInfluxSender(options: InfluxSenderOptions): Promise<InfluxSender> {
  const { journal, target, logger } = options;
  const cursor = new DeliveryCursor(journal.directory, target);
  let from = await cursor.load();
  if (comparePositions(from, journal.end()) > 0) {
    logger.warn(
      { from, end: journal.end() },
      'influx: the journal ends before what was delivered; going on at its end',
    );
    from = journal.end();
  }
  const sender = new Sender(options, cursor, from);
  await sender.measureLag();
  sender.start();
  return sender;
}

/** Time between two saves of the cursor while there is more to send. */
const SAVE_MS = 200;

class Sender implements InfluxSender {
  readonly #options: InfluxSenderOptions;
  readonly #cursor: DeliveryCursor;
  readonly #writer: InfluxWriter;
  readonly #deadLetters: DeadLetters;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  readonly #cut = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #position: Position;
  /** What the cursor on disk says. */
  #saved: Position;
  #savedAt = Number.NEGATIVE_INFINITY;
  #watchers = new Set<() => void>();
  #linesMax: number;
  /** Lines and bytes before the cursor, on the scale of the journal's counters. */
  #passedLines = 0;
  #passedBytes = 0;
  #state: SenderStatus['state'] = 'idle';
  #problem: { problem: string; remedy?: string | undefined } | undefined;
  #deliveredLines = 0;
  #deadLetterCount = 0;
  #damagedLines = 0;
  #failures = 0;
  #lastError: string | undefined;

  constructor(options: InfluxSenderOptions, cursor: DeliveryCursor, from: Position) {
    this.#options = options;
    this.#cursor = cursor;
    this.#position = from;
    this.#saved = from;
    this.#writer = new InfluxWriter(options.target, options.timeoutMs ?? 30_000);
    this.#deadLetters = new DeadLetters(options.journal.directory);
    this.#backoff = new Backoff(options.backoff, options.random);
    this.#linesMax = options.batchLinesMax ?? 10_000;
  }

  /** Counts what a former life left behind. */
  async measureLag(): Promise<void> {
    const { journal } = this.#options;
    const { appendedLines, appendedBytes } = journal.counters();
    this.#passedLines = appendedLines;
    this.#passedBytes = appendedBytes;
    for await (const block of journal.readBytes(this.#position, journal.end(), 1_048_576)) {
      for (const { lines, bytes } of piecesOf(block, Number.POSITIVE_INFINITY)) {
        this.#passedLines -= lines;
        this.#passedBytes -= bytes.length;
      }
    }
  }

  start(): void {
    this.#running = this.#run();
  }

  status(): SenderStatus {
    const { appendedLines, appendedBytes } = this.#options.journal.counters();
    return {
      state: this.#state,
      ...this.#problem,
      lagLines: Math.max(0, appendedLines - this.#passedLines),
      lagBytes: Math.max(0, appendedBytes - this.#passedBytes),
      deliveredLines: this.#deliveredLines,
      deadLetters: this.#deadLetterCount,
      damagedLines: this.#damagedLines,
      failures: this.#failures,
      lastError: this.#lastError,
    };
  }

  async flushed(): Promise<void> {
    const end = this.#options.journal.end();
    while (!this.#stopping.signal.aborted && comparePositions(this.#position, end) < 0) {
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const grace = setTimeout(() => this.#cut.abort(), this.#options.stopGraceMs ?? 2000);
    await this.#running;
    await this.#saveCursor().catch((error: unknown) => {
      this.#options.logger.warn(
        { err: error },
        'influx: the cursor cannot be saved; some lines are sent again',
      );
    });
    clearTimeout(grace);
    this.#writer.close();
    this.#enter('stopped');
    this.#notify();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(): Promise<void> {
    const { journal, logger } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (comparePositions(journal.end(), this.#position) <= 0) {
          await this.#saveCursor();
          this.#enter('idle');
          await journal.grown(this.#position, signal);
          continue;
        }
        await this.#catchUp(journal.end());
      } catch (error) {
        if (signal.aborted) return;
        // The disk under the cursor or the dead letters: what was sent is sent again, and nothing moves on.
        logger.error({ err: error }, 'influx: delivery stumbled; trying again');
        await this.#wait({ problem: `${error}` });
      }
    }
  }

  async #catchUp(end: Position): Promise<void> {
    const { journal, batchBytesMax = 1_048_576 } = this.#options;
    for await (const block of journal.readBytes(this.#position, end, batchBytesMax)) {
      this.#sayDamage(block.damaged, block.start);
      for (const piece of piecesOf(block, this.#linesMax)) {
        if (this.#stopping.signal.aborted || !(await this.#deliver(piece))) return;
        await this.#moveTo(piece.end);
        this.#passedLines += piece.lines;
        this.#passedBytes += piece.bytes.length;
      }
    }
    if (comparePositions(this.#position, end) < 0) await this.#moveTo(end);
  }

  /** Damage that cannot even be set aside; damaged lines that can are dead letters. */
  #sayDamage(damaged: number, before: Position): void {
    if (damaged === 0) return;
    this.#damagedLines += damaged;
    this.#options.logger.error({ damaged, before }, 'journal: a damaged line is passed over, and not sent');
  }

  /** @returns false when the piece is to be read again, perhaps with more in it. */
  async #deliver({ bytes }: Piece): Promise<boolean> {
    const { logger, target } = this.#options;
    const text = bytes.toString('utf8', 0, bytes.length - 1);
    const { written, deadLetters, refusedAll, linesMax } = await settle(text, (part) => this.#write(part));
    if (refusedAll !== undefined) {
      const problem = `${describeTarget(target)} refuses every line: ${refusedAll}`;
      await this.#wait({
        problem,
        remedy: 'check that database, bucket and organisation are the ones meant',
      });
      return false;
    }
    this.#delivers();
    if (deadLetters.length > 0) {
      await this.#deadLetters.add(deadLetters);
      this.#deadLetterCount += deadLetters.length;
      const { path } = this.#deadLetters;
      logger.warn(
        { count: deadLetters.length, reason: deadLetters[0]?.reason, path },
        'influx: refused lines set aside',
      );
    }
    if (linesMax !== undefined && linesMax < this.#linesMax) {
      this.#linesMax = Math.max(1, linesMax);
      logger.warn(
        { linesMax },
        'influx: requests were too large for the server; sending fewer lines in each',
      );
    }
    this.#deliveredLines += written;
    return true;
  }

  /** Tries until the server has judged the lines. @throws when the sender is stopped meanwhile. */
  async #write(lines: string): Promise<WriteOutcome & { kind: 'written' | 'rejected' | 'too-large' }> {
    const { logger, createDatabaseIfMissing = false, target } = this.#options;
    for (;;) {
      this.#stopping.signal.throwIfAborted();
      const outcome = await this.#writer.write(lines, this.#cut.signal);
      if (outcome.kind !== 'refused' && outcome.kind !== 'unavailable') return outcome;
      if (
        createDatabaseIfMissing &&
        target.database !== undefined &&
        outcome.kind === 'refused' &&
        outcome.isMissing
      ) {
        try {
          await this.#writer.createDatabase(logger, this.#options.databaseRetentionMs);
          continue;
        } catch (error) {
          await this.#wait({
            problem: `${outcome.problem}; and creating it failed: ${error}`,
            remedy: outcome.remedy,
          });
          continue;
        }
      }
      await this.#wait(outcome, outcome.kind === 'unavailable' ? outcome.retryAfterMs : 0);
    }
  }

  /** The server has judged lines, and not refused the request as such: whatever held delivery up is over. */
  #delivers(): void {
    if (this.#state === 'waiting') {
      const { logger, target } = this.#options;
      logger.info({ target: describeTarget(target) }, 'influx: delivering again');
    }
    this.#backoff.reset();
    this.#enter('delivering');
  }

  async #wait(reason: { problem: string; remedy?: string | undefined }, retryAfterMs = 0): Promise<void> {
    const { problem, remedy } = reason;
    this.#failures++;
    this.#lastError = problem;
    const delayMs = this.#backoff.nextMs(retryAfterMs);
    if (this.#problem?.problem !== problem && !this.#stopping.signal.aborted) {
      this.#options.logger.warn({ problem, remedy, delayMs: Math.round(delayMs) }, 'influx: delivery waits');
    }
    this.#enter('waiting', { problem, remedy });
    await pause(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  /** The cursor on disk follows a little behind: after a kill so much is sent again, with the same bytes. */
  async #moveTo(position: Position): Promise<void> {
    this.#position = position;
    if (performance.now() - this.#savedAt > SAVE_MS) await this.#saveCursor();
    this.#notify();
  }

  async #saveCursor(): Promise<void> {
    if (this.#saved === this.#position) return;
    const position = this.#position;
    await this.#cursor.save(position);
    this.#saved = position;
    this.#savedAt = performance.now();
    this.#options.journal.delivered(position);
  }

  #enter(state: SenderStatus['state'], problem?: { problem: string; remedy: string | undefined }): void {
    const isNews = state !== this.#state || problem?.problem !== this.#problem?.problem;
    this.#state = state;
    this.#problem = problem;
    if (isNews) this.#options.onStatus?.(this.status());
  }

  #notify(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const resolve of watchers) resolve();
  }
}
