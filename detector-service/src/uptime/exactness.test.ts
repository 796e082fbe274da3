/**
 * Uptime is exactly right: a fleet of 300 devices lives for half a year, over midnights, month ends, both changes of
 * clocks, restarts, blind times and restatements; then thousands of windows of it are held against brute force, from
 * the journal, from a real InfluxDB, and as SQL.
 */
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
import { SLOT_LENGTHS, type SlotLength, TimeZone } from './calendar.ts';
import { databaseSource } from './database-source.ts';
import { flux } from './dialects/flux.ts';
import { sql } from './dialects/sql.ts';
import { type Downtime, downtimes } from './downtimes.ts';
import { startFlux } from './flux-server.test.support.ts';
import { journalSource } from './journal-source.ts';
import type { PointSource } from './point-source.ts';
import { FLEET_START, RandomFleet, seeded } from './random-fleet.test.support.ts';
import { recordFleet } from './recorded-fleet.test.support.ts';
import { revisedTable, STATE_COLUMNS } from './revised-rows.test.support.ts';
import type { Selection, Window } from './selection.ts';
import { agreesWithTruth } from './truth.test.support.ts';
import { uptime } from './uptime.ts';

const DEVICES = 300;
const VERDICTS = 50_000;
const MEAN_GAP_MS = 300_000;
const SEED = 41;
const HOUR_MS = 3_600_000;
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe'];
const logger = pino({ level: 'silent' });

const fleet = new RandomFleet(SEED, DEVICES);
const random = seeded(SEED + 1);
let directory = '';
let influxd: Influxd | undefined;
let checked = 0;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slowbeat-exactness-'));
  await using journal = await openJournal({ directory, logger, now: () => fleet.now, sync: 'interval' });
  await recordFleet(fleet, journal, VERDICTS, MEAN_GAP_MS);
  await journal.close();
  if (needsInfluxd.skip) return;
  influxd = await startInfluxd();
  const target = { url: influxd.url, database: 'fleet' };
  await using sender = await startInfluxSender({ journal, target, logger, createDatabaseIfMissing: true });
  await sender.flushed();
  assert.equal(sender.status().deadLetters, 0);
});

after(async () => {
  await influxd?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T;
}

/** Whole windows of one selection. */
async function windowsAgree(source: PointSource, windows: number, select: () => Selection): Promise<void> {
  for (let n = 0; n < windows; n++) {
    const window = fleet.window();
    const selection = select();
    agreesWithTruth(fleet, await uptime({ source, select: selection, ...window }), selection);
    checked++;
  }
}

/** Windows cut into hours, days, weeks and months; every slot of every device is a window of its own. */
async function slotsAgree(source: PointSource, queries: number, select: () => Selection): Promise<void> {
  for (let n = 0; n < queries; n++) {
    const by = pick(SLOT_LENGTHS);
    const zone = new TimeZone(pick(ZONES));
    const window = windowFor(by);
    const selection = select();
    const { rows, classes, total } = await uptime({ source, select: selection, ...window, by, zone });
    const sums = { upMs: 0, downMs: 0, unknownMs: 0 };
    for (const { deviceClass, device, slots = [], ...whole } of rows) {
      for (const { from, to, upMs, downMs, unknownMs } of slots) {
        const truth = fleet.truth(`${deviceClass}/${device}`, from, to, selection.site);
        const none = { upMs: 0, downMs: 0, unknownMs: to - from };
        const { state: _, ...times } = truth ?? { ...none, state: 'unknown' };
        assert.deepEqual({ upMs, downMs, unknownMs }, times, `${device} ${by} ${zone.format(from)}`);
        assert.equal(upMs + downMs + unknownMs, to - from);
      }
      assert.equal(slots[0]?.from, window.from);
      assert.equal(slots.at(-1)?.to, window.to);
      assert.equal(whole.upMs + whole.downMs + whole.unknownMs, window.to - window.from);
      sums.upMs += whole.upMs;
      sums.downMs += whole.downMs;
      sums.unknownMs += whole.unknownMs;
    }
    const { upMs, downMs, unknownMs } = total;
    assert.deepEqual({ upMs, downMs, unknownMs }, sums);
    assert.equal(
      Object.values(classes).reduce((sum, one) => sum + (one.slots?.at(-1)?.upMs ?? 0), 0),
      total.slots?.at(-1)?.upMs,
    );
    checked += total.slots?.length ?? 0;
  }
}

/** Short ones for hours; often right around a change of clocks. */
function windowFor(by: SlotLength): Window {
  const window = fleet.window();
  if (by !== 'hour') return window;
  const change = pick([Date.UTC(2026, 2, 8), Date.UTC(2026, 2, 29), Date.UTC(2026, 3, 5), window.from]);
  const from = Math.max(FLEET_START, change - Math.floor(random() * 30 * HOUR_MS));
  return { from, to: Math.min(from + 48 * HOUR_MS, fleet.now) };
}

async function downtimesAgree(source: PointSource, windows: number): Promise<void> {
  for (let n = 0; n < windows; n++) {
    const window = fleet.window();
    const found = new Map<string, Omit<Downtime, 'deviceClass' | 'device' | 'site'>[]>();
    for await (const { deviceClass, device, site: _, ...down } of downtimes({ source, ...window })) {
      const name = `${deviceClass}/${device}`;
      found.set(name, [...(found.get(name) ?? []), down]);
    }
    for (const name of fleet.names) {
      assert.deepEqual(found.get(name) ?? [], fleet.downtimes(name, window.from, window.to), name);
    }
    checked++;
  }
}

const oneDevice = (): Selection => {
  const [deviceClass, device] = pick(fleet.names).split('/') as [string, string];
  return { deviceClass, device };
};

describe(`a fleet of ${DEVICES} devices and ${VERDICTS} verdicts, seed ${SEED}`, () => {
  it('agrees with brute force in the journal', async () => {
    const source = journalSource(directory);
    await windowsAgree(source, 80, oneDevice);
    await windowsAgree(source, 5, () => fleet.selection());
    await slotsAgree(source, 8, () => fleet.selection());
    await downtimesAgree(source, 2);
    assert.equal(source.damagedLines, 0);
  });

  it('agrees with brute force when the journal does not fit into memory', async () => {
    const source = journalSource(directory, { pointsMax: 150 });
    await windowsAgree(source, 2, () => ({}));
    await slotsAgree(source, 1, () => ({ deviceClass: 'valve' }));
  });

  it('agrees with brute force in InfluxDB', needsInfluxd, async () => {
    const source = databaseSource({ url: influxd?.url ?? '', database: 'fleet' });
    await windowsAgree(source, 2800, oneDevice);
    await windowsAgree(source, 6, () => fleet.selection());
    await slotsAgree(source, 60, oneDevice);
    await slotsAgree(source, 2, () => fleet.selection());
    await downtimesAgree(source, 1);
    source.close();
  });

  it('agrees with brute force in SQL', needsDuckDb, async () => {
    const lines: string[] = [];
    for await (const batch of journalReader(directory).read()) lines.push(...batch.lines);
    const device_state = revisedTable('device_state', STATE_COLUMNS, lines);
    await using server = await startDuckDb(directory, { device_state });
    const source = databaseSource({ url: server.url, bucket: 'fleet' }, { dialect: sql });
    await windowsAgree(source, 20, oneDevice);
    await windowsAgree(source, 4, () => fleet.selection());
    await slotsAgree(source, 2, () => fleet.selection());
    await downtimesAgree(source, 1);
    source.close();
  });

  it('agrees with brute force in Flux, as far as its documentation tells', async () => {
    const lines: string[] = [];
    for await (const batch of journalReader(directory).read()) lines.push(...batch.lines);
    // A few devices: the interpreter goes through all points for each question.
    const some = lines.filter((line) => /^device_state,class=[^,]+,device=[^,]*[12]7[, ]/.test(line));
    await using server = await startFlux(some);
    const target = { url: server.url, bucket: 'fleet', org: 'works', token: 't' };
    const source = databaseSource(target, { dialect: flux('fleet') });
    const isThere = ({ device = '' }: Selection): boolean => /[12]7$/.test(device);
    const oneThere = (): Selection => {
      for (;;) {
        const selection = oneDevice();
        if (isThere(selection)) return selection;
      }
    };
    await windowsAgree(source, 40, oneThere);
    await slotsAgree(source, 3, oneThere);
    source.close();
  });

  it('was asked for 5,000 windows', needsInfluxd, () => {
    assert.ok(checked >= 5000, `${checked}`);
  });
});
