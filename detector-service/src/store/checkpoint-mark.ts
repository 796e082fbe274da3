/**
 * The line that follows the checkpoints of a midnight when every device has got its own: a promise that reading
 * back may begin at that day. Without it a restart could not tell a quiet fleet from a checkpoint that was cut off.
 */
import type { JournalReader } from './journal-reader.ts';
import { JOURNAL_START, type Position } from './position.ts';
import { dayName } from './utc-day.ts';

export const CHECKPOINT_MEASUREMENT = 'state_checkpoint';

export function checkpointMark(midnight: number, devices: number): string {
  return `${CHECKPOINT_MEASUREMENT} devices=${devices}i ${midnight}`;
}

/** The midnight that a line marks as complete; undefined for every other line. */
export function midnightMarked(line: string): number | undefined {
  if (!line.startsWith(`${CHECKPOINT_MEASUREMENT} `)) return undefined;
  const midnight = Number(line.slice(line.lastIndexOf(' ') + 1));
  return Number.isSafeInteger(midnight) ? midnight : undefined;
}

/** Where every device that is not retired has a point behind; the start of a journal without any mark. */
export async function loadingStart(journal: JournalReader): Promise<Position> {
  for (const segment of (await journal.segments()).toReversed()) {
    const start = { segment, offset: 0 };
    let midnight: number | undefined;
    const end = { segment, offset: Number.MAX_SAFE_INTEGER };
    for await (const { lines } of journal.read(start, end, { measurements: [CHECKPOINT_MEASUREMENT] })) {
      for (const line of lines) midnight = midnightMarked(line) ?? midnight;
    }
    if (midnight === undefined) continue;
    const day = dayName(midnight);
    return day < segment ? { segment: day, offset: 0 } : start;
  }
  return JOURNAL_START;
}
