/**
 * Warnings about things that strangers can cause as often as they like: each reason is logged a few times a
 * minute, and what was left out is said once afterwards.
 */
import type { Logger } from 'pino';

export interface BoundedLogOptions {
  readonly logger: Pick<Logger, 'warn'>;
  /** Lines per reason and minute. */
  readonly linesPerMinute?: number;
}

interface Window {
  sinceAt: number;
  lines: number;
  suppressed: number;
}

const MINUTE_MS = 60_000;

export class BoundedLog {
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #linesPerMinute: number;
  readonly #windows = new Map<string, Window>();

  constructor({ logger, linesPerMinute = 5 }: BoundedLogOptions) {
    this.#logger = logger;
    this.#linesPerMinute = linesPerMinute;
  }

  /** `reason` comes from a fixed list; it never holds anything a sender chose. */
  warn(reason: string, at: number, details: object, message: string): void {
    let window = this.#windows.get(reason);
    if (window === undefined || at - window.sinceAt >= MINUTE_MS) {
      if (window) this.#summarise(reason, window);
      window = { sinceAt: at, lines: 0, suppressed: 0 };
      this.#windows.set(reason, window);
    }
    if (window.lines < this.#linesPerMinute) {
      window.lines++;
      this.#logger.warn({ reason, ...details }, message);
    } else {
      window.suppressed++;
    }
  }

  /** Says what was left out in minutes that are over. Call it now and then, since bad input may just end. */
  flush(at: number): void {
    for (const [reason, window] of this.#windows) {
      if (at - window.sinceAt < MINUTE_MS) continue;
      this.#summarise(reason, window);
      this.#windows.delete(reason);
    }
  }

  #summarise(reason: string, { suppressed }: Window): void {
    if (suppressed > 0)
      this.#logger.warn({ reason, suppressed }, `${suppressed} more like this within a minute`);
  }
}
