import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomFleet, seeded } from '../uptime/random-fleet.test.support.ts';
import { FleetSeries } from './fleet-series.ts';
import { parsePoint } from './line-protocol.ts';
import { JOURNAL_START } from './position.ts';
import { decodeSeries, encodeSeries } from './series-snapshot.ts';
import { HOUR_MS } from './slot.ts';
import { DAY_MS } from './utc-day.ts';

const MINUTES = 60_000;

/** What a database holds after the lines: of two about one point the fields of the later one win. */
class Database {
  readonly points = new Map<string, Record<string, number | string>>();
  readonly written = new Map<string, string>();

  write(lines: Iterable<string>): void {
    for (const line of lines) {
      const point = parsePoint(line);
      assert.ok(point, line);
      const { class: deviceClass = '', device = '', site = '' } = point.tags;
      const key = [point.measurement, deviceClass, device, site, point.at].join('|');
      const fields = Object.entries(point.fields).map(([name, value]) => [
        name,
        typeof value === 'bigint' ? Number(value) : value,
      ]);
      if (point.fields.rev === undefined) {
        assert.equal(this.written.get(key) ?? line, line, 'a point is first written once');
        this.written.set(key, line);
      }
      this.points.set(key, { ...this.points.get(key), ...Object.fromEntries(fields) });
    }
  }

  /** Points of a measurement with their tags. */
  *of(measurement: string) {
    for (const [key, fields] of this.points) {
      const [name, deviceClass, device, site, at] = key.split('|') as [
        string,
        string,
        string,
        string,
        string,
      ];
      if (name === measurement) yield { name: `${deviceClass}/${device}`, site, at: Number(at), fields };
    }
  }
}

const number = (value: number | string | undefined): number => Number(value ?? 0);

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`hours and days agree with the verdicts, whatever came late or was restated, seed ${seed}`, () => {
    const fleet = new RandomFleet(seed, 30);
    const database = new Database();
    let series = new FleetSeries();
    series.hears(fleet.now);
    for (const event of fleet.events(4000, 300_000)) {
      if (event.kind === 'restart') {
        const snapshot = Buffer.concat([...encodeSeries(series, event.now, JOURNAL_START)]);
        series = new FleetSeries();
        decodeSeries(series, snapshot);
        series.resume(event.now);
        series.hears(event.now);
      }
      database.write([...series.closeSlots(event.now)].flat());
      if (event.kind === 'verdict') database.write(series.record(event.transition));
      if (event.kind === 'checkpoint') database.write([...series.checkpoint(event.now)].flat());
    }
    assert.equal(series.counters().restatementsTooOld, 0);
    let restated = 0;
    for (const [measurement, slotMs] of [
      ['device_1h', HOUR_MS],
      ['device_1d', DAY_MS],
    ] as const) {
      const slots = new Map<string, { up: number; down: number; unknown: number; transitions: number }>();
      for (const { name, at, fields } of database.of(measurement)) {
        const key = `${name}@${at}`;
        const sum = slots.get(key) ?? { up: 0, down: 0, unknown: 0, transitions: 0 };
        sum.up += number(fields.up_ms);
        sum.down += number(fields.down_ms);
        sum.unknown += number(fields.unknown_ms);
        sum.transitions += number(fields.transitions);
        slots.set(key, sum);
        if (fields.rev !== undefined) restated++;
      }
      for (const [key, sum] of slots) {
        const [name, text] = key.split('@') as [string, string];
        const at = Number(text);
        const truth = fleet.truth(name, at, at + slotMs);
        assert.deepEqual([sum.up, sum.down], [truth?.upMs, truth?.downMs], `${key} of ${measurement}`);
        assert.equal(sum.up + sum.down + sum.unknown, slotMs, key);
        assert.equal(sum.transitions, fleet.transitions(name, at - 1, at + slotMs - 1), key);
      }
      assert.ok(slots.size > 100);
    }
    assert.ok(restated > 100);
  });
}

test('a slot counts what came and what was due, and says for how long it could hear', () => {
  const series = new FleetSeries();
  const database = new Database();
  const start = Date.UTC(2026, 10, 20, 10);
  const device = { deviceClass: 'meter', device: 'm1' };
  const about = { ...device, noticedAt: start, phi: 0 };
  series.hears(start);
  database.write(
    series.record({ ...about, from: 'unknown', to: 'alive', at: start, reason: 'first-seen', site: 'north' }),
  );
  const beat = (minute: number, rest = {}) => {
    const at = start + minute * MINUTES;
    const told = { kind: 'beat', nextMs: 10 * MINUTES, intervalMs: 10 * MINUTES, ...rest } as const;
    database.write([...series.closeSlots(at)].flat());
    database.write(series.heard({ ...device, ...told, deadAt: at + 45 * MINUTES }, at).lines);
  };
  beat(0, { roundTripMs: 20 });
  beat(10.01, { roundTripMs: 40, batteryPercent: 80 });
  // The beat at minute 20 is lost, so nobody can tell how late the next one is.
  beat(30.06, { roundTripMs: 60, rssiDbm: -70, batteryPercent: 79 });
  beat(40.06);
  beat(50.06);
  series.deaf(start + 52 * MINUTES);
  series.hears(start + 54 * MINUTES);
  // Minute 60 belongs to the next hour, minute 70 never comes.
  beat(60.06);
  database.write([...series.closeSlots(start + 2 * HOUR_MS)].flat());

  const [first, second] = [...database.of('device_1h')].sort((one, other) => one.at - other.at);
  assert.equal(first?.site, 'north');
  assert.deepEqual(
    { ...first?.fields },
    {
      up_ms: HOUR_MS,
      down_ms: 0,
      unknown_ms: 0,
      transitions: 1,
      state_end: 'alive',
      beats: 5,
      expected_beats: 6,
      heard_ms: 58 * MINUTES,
      lat_count: 3,
      lat_min_ms: 20,
      lat_sum_ms: 120,
      lat_max_ms: 60,
      lat_p50_ms: first?.fields.lat_p50_ms,
      lat_p95_ms: 60,
      lat_kind: 'round-trip',
      late_count: 3,
      late_sum_ms: 600,
      late_max_ms: 600,
      battery: 79,
      rssi: -70,
    },
  );
  assert.ok(Math.abs(number(first?.fields.lat_p50_ms) - 40) <= 4);
  assert.deepEqual(
    [second?.fields.beats, second?.fields.expected_beats, second?.fields.battery],
    [1, 6, undefined],
  );
});

test('minutes say what the fleet does: devices by state, time watched, deaths, mistakes', () => {
  const series = new FleetSeries();
  const database = new Database();
  const start = Date.UTC(2026, 10, 20, 10);
  const verdict = (device: string, from: string, to: string, at: number, rest = {}) => {
    database.write([...series.closeSlots(at)].flat());
    const about = { deviceClass: 'meter', device, noticedAt: at, at, phi: 0, reason: 'heard', site: 'north' };
    database.write(series.record({ ...about, from, to, ...rest } as never));
  };
  series.hears(start);
  verdict('a', 'unknown', 'alive', start, { reason: 'first-seen' });
  verdict('b', 'unknown', 'alive', start + 30_000, { reason: 'first-seen' });
  verdict('a', 'alive', 'suspect', start + 61_000, { reason: 'late' });
  verdict('a', 'suspect', 'dead', start + 62_000, { reason: 'silence' });
  verdict('a', 'dead', 'alive', start + 125_000);
  database.write([...series.closeSlots(start + 180_000)].flat());
  const minutes = [...database.of('fleet_1m')].map(({ fields }) => fields);
  const kept = minutes.map(({ devices, alive, dead, watched_ms, timeouts, deaths, mistakes }) => ({
    devices,
    alive,
    dead,
    watched_ms,
    timeouts,
    deaths,
    mistakes,
  }));
  const quiet = { timeouts: 0, deaths: 0, mistakes: 0 };
  assert.deepEqual(kept, [
    { devices: 2, alive: 2, dead: 0, watched_ms: 90_000, ...quiet },
    { devices: 2, alive: 1, dead: 1, watched_ms: 120_000, timeouts: 1, deaths: 1, mistakes: 0 },
    { devices: 2, alive: 2, dead: 0, watched_ms: 120_000, ...quiet, mistakes: 1 },
  ]);
});

test('what was counted in an open slot survives a restart, and what was forgotten is not called heard', () => {
  const start = Date.UTC(2026, 10, 20, 10);
  const device = { deviceClass: 'meter', device: 'm1' };
  const dice = seeded(7);
  const before = new FleetSeries();
  before.hears(start);
  before.record({
    ...device,
    from: 'unknown',
    to: 'alive',
    at: start,
    noticedAt: start,
    reason: 'first-seen',
    phi: 0,
  });
  for (let second = 0; second < 60; second++) {
    const told = { kind: 'beat', nextMs: 1000, intervalMs: 1000, roundTripMs: 10 + 100 * dice() } as const;
    before.heard({ ...device, ...told }, start + second * 1000);
  }
  const snapshot = Buffer.concat([...encodeSeries(before, start + 60_000, JOURNAL_START)]);
  const after = new FleetSeries();
  decodeSeries(after, snapshot);
  after.resume(start + 70_000);
  after.hears(start + 70_000);
  const [line] = [...after.closeSlots(start + HOUR_MS)].flat().filter((one) => one.startsWith('device_1h'));
  const fields = parsePoint(line ?? '')?.fields;
  assert.equal(fields?.beats, 60n);
  assert.equal(fields?.lat_count, 60n);
  assert.equal(fields?.heard_ms, BigInt(HOUR_MS - 10_000));
  assert.ok(number(fields?.lat_p50_ms as number) > 40);
});
