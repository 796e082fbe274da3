/**
 * Posting a journal, or the part of it about some span of time, to a database: the lines as they are, in their order.
 * Doing it twice changes nothing, for a point written twice is one point.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Backoff } from './backoff.ts';
import { DeadLetters } from './dead-letters.ts';
import { settle } from './delivery.ts';
import { StoreError } from './errors.ts';
import type { InfluxTarget } from './influx-target.ts';
import { InfluxWriter, type WriteOutcome } from './influx-writer.ts';
import { soundInstant } from './line-key.ts';
import { readBlocks } from './segment.ts';
import { dayName } from './utc-day.ts';

export interface PostOptions {
  readonly directory: string;
  readonly target: InfluxTarget;
  /** Only points from this instant on, and before that one. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly logger: Logger;
  readonly onProgress?: (progress: PostProgress) => void;
  /** Attempts in a row before it is given up. Default 8, over about a minute. */
  readonly attemptsMax?: number;
  readonly signal?: AbortSignal;
}

export interface PostProgress {
  readonly segment: string;
  readonly posted: number;
  /** Lines that the server refused; they are in the dead letters with its reason. */
  readonly refused: number;
  /** Damaged lines, which were not sent. */
  readonly damaged: number;
}

const NEWLINE = 10;
const BATCH_BYTES = 1_048_576;

/**
 * @throws StoreError `influx-unreachable` when the server stays away, `influx-refused` when it refuses the request
 * itself, `journal-closed` on abort
 */
export async function postJournal(options: PostOptions): Promise<PostProgress> {
  const { directory, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = options;
  const poster = new Poster(options);
  const deadLetters = new DeadLetters(directory);
  const progress = { segment: '', posted: 0, refused: 0, damaged: 0 };
  const start = Number.isFinite(from) ? { segment: dayName(from), offset: 0 } : undefined;
  try {
    for await (const { bytes, damaged, end } of readBlocks(directory, start, undefined, BATCH_BYTES)) {
      const chosen = linesBetween(bytes, from, to);
      progress.segment = end.segment;
      progress.damaged += damaged + chosen.damaged;
      if (chosen.text !== '') {
        const result = await settle(chosen.text, (lines) => poster.write(lines));
        if (result.refusedAll !== undefined) throw new StoreError('influx-refused', result.refusedAll);
        if (result.deadLetters.length > 0) await deadLetters.add(result.deadLetters);
        progress.posted += result.written;
        progress.refused += result.deadLetters.length;
      }
      options.onProgress?.({ ...progress });
    }
    return progress;
  } finally {
    poster.close();
  }
}

/** The lines about instants with from ≤ instant < to. Restatements come later and carry the same instants. */
function linesBetween(block: Buffer, from: number, to: number): { text: string; damaged: number } {
  const pieces: Buffer[] = [];
  let damaged = 0;
  let kept = 0;
  let start = 0;
  const keep = (end: number): void => {
    if (end > kept) pieces.push(block.subarray(kept, end));
  };
  for (; start < block.length; ) {
    const end = block.indexOf(NEWLINE, start);
    const at = soundInstant(block, start, end);
    if (!(at >= from && at < to)) {
      if (Number.isNaN(at)) damaged++;
      keep(start);
      kept = end + 1;
    }
    start = end + 1;
  }
  keep(block.length);
  return { text: Buffer.concat(pieces).toString('utf8').slice(0, -1), damaged };
}

/** Writes with patience, but not for ever: somebody waits. */
class Poster {
  readonly #options: PostOptions;
  readonly #writer: InfluxWriter;
  readonly #backoff = new Backoff({ initialMs: 250, maxMs: 15_000 });
  readonly #never = new AbortController();

  constructor(options: PostOptions) {
    this.#options = options;
    this.#writer = new InfluxWriter(options.target, 30_000);
  }

  async write(lines: string): Promise<WriteOutcome & { kind: 'written' | 'rejected' | 'too-large' }> {
    const { attemptsMax = 8, signal = this.#never.signal, target, logger } = this.#options;
    for (let attempt = 1; ; attempt++) {
      if (signal.aborted) throw new StoreError('journal-closed', 'posting was interrupted');
      const outcome = await this.#writer.write(lines, signal);
      if (outcome.kind === 'refused') {
        if (!(outcome.isMissing && target.database !== undefined && attempt === 1)) {
          throw new StoreError('influx-refused', `${outcome.problem}; ${outcome.remedy}`);
        }
        await this.#writer.createDatabase(logger);
      } else if (outcome.kind === 'unavailable') {
        if (attempt >= attemptsMax) throw new StoreError('influx-unreachable', outcome.problem);
        await pause(this.#backoff.nextMs(outcome.retryAfterMs), undefined, { signal }).catch(() => undefined);
      } else {
        this.#backoff.reset();
        return outcome;
      }
    }
  }

  close(): void {
    this.#writer.close();
  }
}
