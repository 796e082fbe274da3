/**
 * Counts every refusal and tells some of them.
 *
 * A log that a stranger can make grow is a weapon, so each reason gets a few lines a minute and then one line
 * that says how many were left out. Fields are identifiers only: never a payload, never a password, and never an
 * error object, because Aedes hangs the whole CONNECT packet on some of its errors.
 */
import type { Logger } from 'pino';
import { REASONS, type Reason } from './counters.ts';

/** Who and what, in words short enough for a log line. */
export interface Circumstances {
  readonly client?: string | undefined;
  readonly user?: string | undefined;
  readonly address?: string | undefined;
  readonly topic?: string | undefined;
  readonly detail?: string | undefined;
}

const WINDOW_MS = 60_000;
const FIELD_LENGTH_MAX = 200;

export class Ledger implements Disposable {
  readonly #logger: Logger;
  readonly #linesPerWindow: number;
  readonly #counts: Record<Reason, number>;
  readonly #told = new Map<Reason, number>();
  readonly #window: NodeJS.Timeout;

  constructor(logger: Logger, linesPerMinute: number) {
    this.#logger = logger;
    this.#linesPerWindow = linesPerMinute;
    this.#counts = Object.fromEntries(Object.keys(REASONS).map((reason) => [reason, 0])) as Record<
      Reason,
      number
    >;
    this.#window = setInterval(() => this.turnWindow(), WINDOW_MS).unref();
  }

  /** `times`: of what is told in one go, as it happened to the same client. */
  refuse(reason: Reason, circumstances: Circumstances = {}, times = 1): void {
    this.#counts[reason] += times;
    const told = (this.#told.get(reason) ?? 0) + 1;
    this.#told.set(reason, told);
    if (told > this.#linesPerWindow) return;
    this.#logger.warn({ reason, ...clipped(circumstances) }, REASONS[reason]);
  }

  counts(): Record<Reason, number> {
    return { ...this.#counts };
  }

  /** Ends the minute: says what it left out and starts afresh. */
  turnWindow(): void {
    for (const [reason, told] of this.#told) {
      const suppressed = told - this.#linesPerWindow;
      if (suppressed > 0)
        this.#logger.warn({ reason, suppressed }, `${REASONS[reason]}: not told one by one`);
    }
    this.#told.clear();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#window);
    this.turnWindow();
  }
}

function clipped(circumstances: Circumstances): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(circumstances)) {
    if (typeof value === 'string') {
      fields[name] = value.length > FIELD_LENGTH_MAX ? `${value.slice(0, FIELD_LENGTH_MAX)}…` : value;
    }
  }
  return fields;
}
