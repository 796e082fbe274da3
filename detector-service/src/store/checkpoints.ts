/** Carrying the whole fleet over midnight, in pieces the journal can take. */
import type { Journal } from './journal.ts';
import type { StateSeries } from './state-series.ts';

const LINES_AT_ONCE = 2000;

/**
 * Writes the checkpoints of all midnights up to `upTo`; verdicts may be recorded meanwhile.
 * To be called shortly after each UTC midnight and once after the series was loaded.
 * @returns how many lines were written.
 */
export async function writeCheckpoints(series: StateSeries, journal: Journal, upTo: number): Promise<number> {
  const lines = series.checkpoint(upTo)[Symbol.iterator]();
  let written = 0;
  for (;;) {
    await journal.room();
    const piece: string[] = [];
    while (piece.length < LINES_AT_ONCE) {
      const { value, done } = lines.next();
      if (done) break;
      piece.push(value);
    }
    if (piece.length === 0) return written;
    // No await between taking the lines and appending them: a verdict recorded in between would be overwritten.
    await journal.append(piece);
    written += piece.length;
  }
}
