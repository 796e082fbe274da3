/** Rollups say what the verdicts say, and what was heard. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Influxd, needsInfluxd, startInfluxd } from '@slowbeat/test-servers';
import { needsDuckDb, startDuckDb } from '@slowbeat/test-servers/duckdb';
import { pino } from 'pino';
import { openJournal } from '../store/journal.ts';
import { journalReader } from '../store/journal-reader.ts';
import { startInfluxSender } from '../store/sender.ts';
import { SLOT_LENGTHS, type SlotLength } from './calendar.ts';
import { databaseSource } from './database-source.ts';
import { sql } from './dialects/sql.ts';
import { journalSource } from './journal-source.ts';
import { type LatencyNumbers, latency } from './latency.ts';
import type { PointSource } from './point-source.ts';
import { FLEET_START, RandomFleet, seeded } from './random-fleet.test.support.ts';
import { type RecordedBeat, recordAllSeries } from './recorded-fleet.test.support.ts';
import { revisedTable, SLOT_COLUMNS } from './revised-rows.test.support.ts';
import type { Selection, Window } from './selection.ts';
import { uptime } from './uptime.ts';

const SEED = 17;
const DEVICES = 30;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const logger = pino({ level: 'silent' });

const fleet = new RandomFleet(SEED, DEVICES);
const random = seeded(SEED);
let beats: RecordedBeat[] = [];
let directory = '';
let influxd: Influxd | undefined;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slowbeat-rollups-'));
  await using journal = await openJournal({ directory, logger, now: () => fleet.now, sync: 'interval' });
  beats = await recordAllSeries(fleet, journal, 4000, 300_000);
  await journal.close();
  if (needsInfluxd.skip) return;
  influxd = await startInfluxd();
  const target = { url: influxd.url, database: 'fleet' };
  await using sender = await startInfluxSender({ journal, target, logger, createDatabaseIfMissing: true });
  await sender.flushed();
});

after(async () => {
  await influxd?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

/** A random window of whole hours or days, all of which are closed. */
function wholeWindow(unitMs: number): Window {
  const first = Math.floor(FLEET_START / unitMs) - 2;
  const last = Math.floor(fleet.now / unitMs);
  for (;;) {
    const [a, b] = [random(), random()].map((x) => first + Math.round(x * (last - first))) as [
      number,
      number,
    ];
    if (a < b) return { from: a * unitMs, to: b * unitMs };
  }
}

async function sameAsVerdicts(source: PointSource, windows: number): Promise<void> {
  const verdicts = journalSource(directory);
  for (let n = 0; n < windows; n++) {
    const window = wholeWindow(n % 2 === 0 ? HOUR_MS : DAY_MS);
    const select = fleet.selection();
    const by = [undefined, ...SLOT_LENGTHS][n % 5] as SlotLength | undefined;
    const expected = await uptime({ source: verdicts, select, ...window, by });
    const found = await uptime({ source, select, ...window, by, series: 'rollups' });
    const times = ({ upMs, downMs, transitions }: (typeof found)['total']) => [upMs, downMs, transitions];
    const about = `${JSON.stringify(select)} from ${window.from} to ${window.to} by ${by}`;
    assert.deepEqual(times(found.total).slice(0, 2), times(expected.total).slice(0, 2), about);
    const rows = new Map(found.rows.map((row) => [row.device, row]));
    for (const { device, upMs, downMs, unknownMs, slots = [] } of expected.rows) {
      const row = rows.get(device);
      const known = row ?? { upMs: 0, downMs: 0, unknownMs: window.to - window.from, slots: [] };
      assert.deepEqual([known.upMs, known.downMs, known.unknownMs], [upMs, downMs, unknownMs], about);
      for (const [index, slot] of (row?.slots ?? []).entries()) {
        assert.deepEqual([slot.upMs, slot.downMs], [slots[index]?.upMs, slots[index]?.downMs], about);
      }
    }
  }
}

async function sameAsBeats(source: PointSource, windows: number): Promise<void> {
  for (let n = 0; n < windows; n++) {
    const window = wholeWindow(HOUR_MS);
    const select: Selection = n % 2 === 0 ? {} : { deviceClass: 'meter' };
    const { rows, total } = await latency({ source, select, ...window });
    const inWindow = beats.filter(({ at }) => at >= window.from && at < window.to);
    for (const row of rows) {
      const name = `${row.deviceClass}/${row.device}`;
      agrees(
        row,
        inWindow.filter((beat) => beat.name === name).map(({ roundTripMs }) => roundTripMs),
        name,
      );
    }
    const selected = inWindow.filter(({ name }) => name.startsWith(select.deviceClass ?? ''));
    agrees(
      total,
      selected.map(({ roundTripMs }) => roundTripMs),
      `from ${window.from} to ${window.to}`,
    );
  }
}

function agrees(found: LatencyNumbers, roundTrips: readonly number[], about: string): void {
  assert.equal(found.beats, roundTrips.length, about);
  assert.equal(found.count, roundTrips.length, about);
  if (roundTrips.length === 0) return;
  const sorted = roundTrips.toSorted((a, b) => a - b);
  const close = (value: number | undefined, truth: number, share: number): void => {
    assert.ok(Math.abs((value ?? Number.NaN) - truth) <= share * truth, `${about}: ${value}, truly ${truth}`);
  };
  close(found.minMs, sorted[0] as number, 1e-6);
  close(found.maxMs, sorted.at(-1) as number, 1e-6);
  close(found.meanMs, sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length, 1e-6);
  // The estimate lies between neighbouring beats, which may be far apart when there are few.
  if (sorted.length >= 100) close(found.p50Ms, sorted[Math.floor(sorted.length / 2)] as number, 0.15);
  assert.ok(
    (found.minMs as number) <= (found.p50Ms as number) && (found.p50Ms as number) <= (found.p95Ms as number),
  );
}

describe(`rollups of ${DEVICES} devices, seed ${SEED}`, () => {
  it('add up to what the verdicts say, in the journal', () => sameAsVerdicts(journalSource(directory), 30));

  it('tell the latency of what was heard, in the journal', () => sameAsBeats(journalSource(directory), 10));

  it('do so in InfluxDB', needsInfluxd, async () => {
    const source = databaseSource({ url: influxd?.url ?? '', database: 'fleet' });
    await sameAsVerdicts(source, 25);
    await sameAsBeats(source, 6);
    source.close();
  });

  it(
    'do so in SQL, where what was put right is a row of its own, and some columns lack',
    needsDuckDb,
    async () => {
      const lines: string[] = [];
      for await (const batch of journalReader(directory).read()) lines.push(...batch.lines);
      await using server = await startDuckDb(directory, {
        device_1h: revisedTable('device_1h', SLOT_COLUMNS, lines),
        device_1d: revisedTable('device_1d', SLOT_COLUMNS, lines),
      });
      const source = databaseSource({ url: server.url, bucket: 'fleet' }, { dialect: sql });
      await sameAsVerdicts(source, 10);
      await sameAsBeats(source, 6);
      source.close();
    },
  );

  it('are refused for what is no whole hour', async () => {
    const window = { from: FLEET_START, to: FLEET_START + HOUR_MS };
    const query = { source: journalSource(directory), ...window, series: 'rollups' } as const;
    await assert.rejects(uptime(query), /07:31:12\.345Z is no whole hour in UTC/);
  });
});
