/** Lets the store live through the events of a random fleet, restarts included. */
import { FleetSeries } from '../store/fleet-series.ts';
import type { Journal } from '../store/journal.ts';
import { journalReader } from '../store/journal-reader.ts';
import { JOURNAL_START } from '../store/position.ts';
import { decodeSeries, encodeSeries } from '../store/series-snapshot.ts';
import { createStateSeries, type StateSeries } from '../store/state-series.ts';
import { writeCheckpoints } from '../store/write-in-pieces.ts';
import { type RandomFleet, seeded } from './random-fleet.test.support.ts';

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

/** A heartbeat that was recorded. */
export interface RecordedBeat {
  readonly name: string;
  readonly at: number;
  readonly roundTripMs: number;
}

/** The same with all series: rollups of verdicts, and of a few beats after each of them. */
export async function recordAllSeries(
  fleet: RandomFleet,
  journal: Journal,
  verdicts: number,
  meanGapMs: number,
): Promise<RecordedBeat[]> {
  const random = seeded(verdicts);
  const beats: RecordedBeat[] = [];
  let series = new FleetSeries();
  const write = (lines: Iterable<readonly string[]>) => journal.append([...lines].flat());
  series.hears(fleet.now);
  for (const event of fleet.events(verdicts, meanGapMs)) {
    if (event.kind === 'restart') {
      const snapshot = Buffer.concat([...encodeSeries(series, event.now, JOURNAL_START)]);
      series = new FleetSeries();
      decodeSeries(series, snapshot);
      series.resume(event.now);
      series.hears(event.now);
    }
    await write(series.closeSlots(event.now));
    if (event.kind === 'checkpoint') await write(series.checkpoint(event.now));
    if (event.kind !== 'verdict') continue;
    await journal.append(series.record(event.transition));
    if (event.transition.to !== 'alive') continue;
    const { deviceClass, device } = event.transition;
    const roundTripMs = Math.round(10 * Math.exp(3 * random()));
    const told = { kind: 'beat', nextMs: 60_000, intervalMs: 60_000, roundTripMs } as const;
    await journal.append(series.heard({ deviceClass, device, ...told }, event.now).lines);
    beats.push({ name: `${deviceClass}/${device}`, at: event.now, roundTripMs });
  }
  await write(series.closeSlots(fleet.now));
  return beats;
}
