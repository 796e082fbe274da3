/** Two days of a small fleet, as the store writes them. */
import type { Transition } from '@slowbeat/detector-service/detector';
import { FleetSeries } from '@slowbeat/detector-service/store';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const DEVICES = [
  { deviceClass: 'meter', device: 'd1', site: 'north' },
  { deviceClass: 'meter', device: 'd2', site: 'south' },
  { deviceClass: 'valve', device: 'd3', site: 'north' },
];

/**
 * A beat every quarter of an hour. d1 is dead for three hours of the second day, d3 late at the end. d2 seems dead for two
 * hours, and an hour after it is back it turns out to have been out of reach: closed slots and points are put right.
 */
export function* twoDays(start: number, now: number, onInstant: (at: number) => void): Generator<string[]> {
  const series = new FleetSeries();
  const transition = (
    index: number,
    at: number,
    rest: Pick<Transition, 'from' | 'to' | 'reason'>,
  ): Transition => ({
    ...(DEVICES[index] as (typeof DEVICES)[number]),
    at,
    noticedAt: at,
    phi: 1.5,
    ...rest,
  });
  series.hears(start);
  for (const index of DEVICES.keys()) {
    yield series.record(transition(index, start, { from: 'unknown', to: 'alive', reason: 'first-seen' }));
  }
  const [diesAt, returnsAt] = [start + DAY_MS + 6 * HOUR_MS, start + DAY_MS + 9 * HOUR_MS];
  for (let at = start + MINUTE_MS; at <= now; at += MINUTE_MS) {
    onInstant(at);
    yield [...series.closeSlots(at)].flat();
    if (at % DAY_MS === 0) yield [...series.checkpoint(at)].flat();
    if (at === diesAt)
      yield series.record(transition(0, at, { from: 'alive', to: 'dead', reason: 'silence' }));
    if (at === returnsAt)
      yield series.record(transition(0, at, { from: 'dead', to: 'alive', reason: 'heard' }));
    if (at === diesAt)
      yield series.record(transition(1, at, { from: 'alive', to: 'dead', reason: 'silence' }));
    if (at === diesAt + 2 * HOUR_MS)
      yield series.record(transition(1, at, { from: 'dead', to: 'alive', reason: 'heard' }));
    if (at === returnsAt) {
      const was = transition(1, diesAt, { from: 'alive', to: 'unreachable', reason: 'network-was-down' });
      yield series.record({ ...was, noticedAt: at, restated: true });
    }
    if (at % (15 * MINUTE_MS) !== 0) continue;
    for (const { deviceClass, device } of DEVICES) {
      if (device === 'd1' && at >= diesAt && at < returnsAt) continue;
      const told = { roundTripMs: 20 + (at % 7), batteryPercent: 80, rssiDbm: -70 };
      const planned = { kind: 'beat', nextMs: 15 * MINUTE_MS - 500, intervalMs: 15 * MINUTE_MS } as const;
      const beat = { deviceClass, device, ...planned, ...told, deadAt: at + HOUR_MS };
      yield [...series.heard(beat, at).lines];
    }
  }
  yield series.record(transition(2, now, { from: 'alive', to: 'suspect', reason: 'late' }));
}
