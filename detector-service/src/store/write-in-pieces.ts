/** Writing many lines at once, such as those of a whole fleet over midnight, in pieces the journal can take. */
import type { Journal } from './journal.ts';
import type { StateSeries } from './state-series.ts';

const LINES_AT_ONCE = 1000;

/**
 * Writes the checkpoints of all midnights up to `upTo`; verdicts may be recorded meanwhile.
 * To be called shortly after each UTC midnight and once after the series was loaded.
 * @returns how many lines were written.
 */
export function writeCheckpoints(series: StateSeries, journal: Journal, upTo: number): Promise<number> {
  return writeInPieces(series.checkpoints(upTo), journal);
}

/**
 * Appends what comes, some thousand lines at a time, and lets others run in between. What belongs together comes
 * together: between the lines of one item nothing else is ever recorded.
 * @returns how many lines were written.
 */
export async function writeInPieces(items: Iterable<readonly string[]>, journal: Journal): Promise<number> {
  const iterator = items[Symbol.iterator]();
  let written = 0;
  for (let isDone = false; !isDone; ) {
    await journal.room();
    const piece: string[] = [];
    while (piece.length < LINES_AT_ONCE) {
      const next = iterator.next();
      isDone = next.done === true;
      if (isDone) break;
      for (const line of next.value) piece.push(line);
    }
    // No await between taking the lines and appending them: a verdict recorded in between would be overwritten.
    await journal.append(piece);
    written += piece.length;
  }
  return written;
}
