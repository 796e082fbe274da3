/** A journal of two meters on a day of 25 hours, whose times can be added up by hand. */
import { join } from 'node:path';
import type { Transition } from '@slowbeat/detector-service/detector';
import { FleetSeries, openJournal } from '@slowbeat/detector-service/store';
import { pino } from 'pino';

const HOUR_MS = 3_600_000;
/** Sunday, 25 October 2026 begins in Berlin: 25 hours long. */
export const START = Date.parse('2026-10-25T00:00:00+02:00');
export const WINDOW = ['--from', '2026-10-25', '--to', '2026-10-26', '--zone', 'Europe/Berlin'];

/** Writes the journal into a data directory. */
export async function recordTwoMeters(data: string): Promise<void> {
  let at = START;
  const logger = pino({ level: 'silent' });
  const directory = join(data, 'journal');
  await using journal = await openJournal({ directory, logger, now: () => at, sync: 'interval' });
  for (const [instant, lines] of day()) {
    at = instant;
    await journal.append(lines);
  }
}

/** Two meters: d1 is dead from hour 5 to 8 and unheard from hour 20 to 21, d2 lives; each tells a beat an hour. */
function* day(): Generator<[number, string[]]> {
  const series = new FleetSeries();
  const about = (
    device: string,
    hour: number,
    rest: Pick<Transition, 'from' | 'to' | 'reason'>,
  ): Transition => {
    const at = START + hour * HOUR_MS;
    return { deviceClass: 'meter', device, site: 'north', at, noticedAt: at, phi: 0, ...rest };
  };
  series.hears(START);
  for (const device of ['d1', 'd2']) {
    yield [START, series.record(about(device, 0, { from: 'unknown', to: 'alive', reason: 'first-seen' }))];
  }
  const verdicts = [
    about('d1', 5, { from: 'alive', to: 'dead', reason: 'silence' }),
    about('d1', 8, { from: 'dead', to: 'alive', reason: 'heard' }),
    about('d1', 20, { from: 'alive', to: 'unknown', reason: 'monitor-blind' }),
    about('d1', 21, { from: 'unknown', to: 'alive', reason: 'monitor-back' }),
  ];
  for (let hour = 0; hour <= 26; hour++) {
    const at = START + hour * HOUR_MS;
    yield [at, [...series.closeSlots(at), ...series.checkpoint(at)].flat()];
    for (const verdict of verdicts.filter((one) => one.at === at)) yield [at, series.record(verdict)];
    const beat = { kind: 'beat', nextMs: HOUR_MS, intervalMs: HOUR_MS, roundTripMs: 40 + hour } as const;
    yield [at, [...series.heard({ deviceClass: 'meter', device: 'd2', ...beat }, at).lines]];
  }
}
