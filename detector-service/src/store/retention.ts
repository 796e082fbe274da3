/** Deleting what the journal no longer has to keep. */
import { stat, unlink } from 'node:fs/promises';
import { ignoreMissing } from './durable-file.ts';
import type { JournalOptions } from './journal.ts';
import type { Position } from './position.ts';
import { listSegments, segmentPath } from './segment.ts';
import { indexPath } from './segment-index.ts';
import { DAY_MS, dayName } from './utc-day.ts';

/** The newest segments are kept whatever their age: what a restart reads back stands in them. */
const SEGMENTS_KEPT = 2;

/**
 * Deletes segments whose day ended longer ago than the retention, from the oldest on; where a sender has to have
 * delivered first, none that holds anything from `deliveredTo` on. Failing does no harm: it is tried again.
 * @returns how many were deleted.
 */
export async function deleteOldSegments(
  { directory, retentionMs, keepUndelivered, logger, now = Date.now }: JournalOptions,
  deliveredTo: Position | undefined,
): Promise<number> {
  if (retentionMs === undefined) return 0;
  const newestOld = dayName(now() - retentionMs - DAY_MS);
  let deleted = 0;
  try {
    for (const segment of (await listSegments(directory)).slice(0, -SEGMENTS_KEPT)) {
      const isDelivered = deliveredTo !== undefined && segment < deliveredTo.segment;
      if (segment > newestOld || (keepUndelivered && !isDelivered)) break;
      const path = segmentPath(directory, segment);
      const { size } = await stat(path);
      await unlink(path);
      await unlink(indexPath(directory, segment)).catch(ignoreMissing);
      deleted++;
      logger.info({ segment, size }, 'journal: deleted a segment at the end of its retention');
    }
  } catch (error) {
    logger.warn({ err: error }, 'journal: cannot delete an old segment; tried again with the next one');
  }
  return deleted;
}
