import type { Check } from '@slowbeat/detector-service';
import type { Journal } from '@slowbeat/detector-service/store';

/** Fails while the disk refuses what the journal writes: failures since the last write that went well. */
export function journalCheck(journal: Journal): Check {
  let seen = journal.counters();
  return () => {
    const now = journal.counters();
    if (now.commits !== seen.commits) seen = now;
    const failures = now.writeErrors - seen.writeErrors;
    return failures === 0
      ? undefined
      : `the disk under ${journal.directory} refused ${failures} writes in a row`;
  };
}
