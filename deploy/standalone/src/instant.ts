/** Instants as people give them: `2026-11-20T10:15:00Z`, `2026-11-20`, `2026-11`, `now`, `-24h`. */
import { type TimeZone, UTC } from '@slowbeat/detector-service/uptime';
import { parseDuration } from '@slowbeat/device-sdk';
import { UsageError } from './exit-codes.ts';

const DATE = /^\d{4}-\d{2}(-\d{2})?$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * Epoch milliseconds of what `flag` was given. Dates and months begin at midnight in the zone; a time of day needs its
 * offset, since the machine's own would make the same command mean something else elsewhere.
 */
export function parseInstant(flag: string, text: string, now: number, zone: TimeZone = UTC): number {
  if (text === 'now') return now;
  if (text.startsWith('-')) return now - durationBefore(flag, text);
  const isDate = DATE.test(text);
  const parsed = isDate || DATE_TIME.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse takes 30 February for 2 March.
  if (Number.isNaN(parsed) || !sameDay(text, parsed)) {
    throw new UsageError(
      `${flag} ${text}: no instant; write 2026-11-20T10:15:00Z, 2026-11-20, 2026-11, now, or -24h for a day ago`,
    );
  }
  return isDate ? zone.instant(parsed) : parsed;
}

function durationBefore(flag: string, text: string): number {
  try {
    return parseDuration(text.slice(1));
  } catch (error) {
    throw new UsageError(`${flag} ${text}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function sameDay(text: string, parsed: number): boolean {
  const [year = 0, month = 0, day = 1] = text.slice(0, 10).split('-').map(Number);
  const meant = Date.UTC(year, month - 1, day);
  return new Date(meant).getUTCDate() === day && Math.abs(parsed - meant) < 2 * 86_400_000;
}
