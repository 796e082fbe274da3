import type { Check } from '@slowbeat/detector-service';
import type { Journal } from '@slowbeat/detector-service/store';

/** Fails while the disk refuses what the journal writes. */
export function journalCheck(journal: Journal): Check {
  return () => {
    const { failedInARow } = journal.counters();
    return failedInARow === 0
      ? undefined
      : `the disk under ${journal.directory} refused ${failedInARow} writes in a row`;
  };
}
