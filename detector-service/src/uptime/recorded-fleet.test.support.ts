/** Lets the store live through the events of a random fleet, restarts included. */
import type { Journal } from '../store/journal.ts';
import { journalReader } from '../store/journal-reader.ts';
import { createStateSeries, type StateSeries } from '../store/state-series.ts';
import { writeCheckpoints } from '../store/write-in-pieces.ts';
import type { RandomFleet } from './random-fleet.test.support.ts';

export async function recordFleet(
  fleet: RandomFleet,
  journal: Journal,
  verdicts: number,
  meanGapMs: number,
): Promise<StateSeries> {
  let series = createStateSeries();
  const appended: Promise<void>[] = [];
  for (const event of fleet.events(verdicts, meanGapMs)) {
    if (event.kind === 'verdict') appended.push(journal.append(series.record(event.transition)));
    if (event.kind === 'checkpoint') await writeCheckpoints(series, journal, event.now);
    if (event.kind === 'restart') {
      await Promise.all(appended.splice(0));
      series = createStateSeries();
      await series.load(journalReader(journal.directory));
    }
  }
  await Promise.all(appended);
  return series;
}
