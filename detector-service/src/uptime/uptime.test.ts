import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, needsInfluxd, startInfluxd } from '@slowbeat/test-servers';
import { pino } from 'pino';
import type { State, Transition } from '../detector/transition.ts';
import { type Journal, openJournal } from '../store/journal.ts';
import { startInfluxSender } from '../store/sender.ts';
import { createStateSeries } from '../store/state-series.ts';
import { databaseSource } from './database-source.ts';
import { journalSource } from './journal-source.ts';
import { RandomFleet } from './random-fleet.test.support.ts';
import { recordFleet } from './recorded-fleet.test.support.ts';
import { agreesWithTruth } from './truth.test.support.ts';
import { uptime } from './uptime.ts';

const logger = pino({ level: 'silent' });
const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 10, 20, 6);

async function withJournal(now: () => number, body: (journal: Journal) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-uptime-'));
  try {
    await using journal = await openJournal({ directory, logger, now, sync: 'interval' });
    await body(journal);
  } finally {
    await rm(directory, { recursive: true });
  }
}

for (const seed of [1, 2, 123, 129]) {
  test(`the journal agrees with brute force in every window of a random fleet, seed ${seed}`, async () => {
    const fleet = new RandomFleet(seed, 30);
    await withJournal(
      () => fleet.now,
      async (journal) => {
        const series = await recordFleet(fleet, journal, 2500, 500_000);
        assert.equal(series.counters().restatementsTooOld, 0);
        for (let n = 0; n < 100; n++) {
          const { from, to } = fleet.window();
          const select = fleet.selection();
          agreesWithTruth(
            fleet,
            await uptime({ source: journalSource(journal.directory), select, from, to }),
            select,
          );
        }
      },
    );
  });
}

test('InfluxDB agrees with the journal and with brute force in every window', needsInfluxd, async () => {
  await using server = await startInfluxd();
  const target = { url: server.url, database: 'fleet' };
  const fleet = new RandomFleet(11, 40);
  await withJournal(
    () => fleet.now,
    async (journal) => {
      await using sender = await startInfluxSender({
        journal,
        target,
        logger,
        createDatabaseIfMissing: true,
      });
      await recordFleet(fleet, journal, 4000, 300_000);
      await journal.close();
      await sender.flushed();
      assert.equal(sender.status().deadLetters, 0);
      const source = databaseSource(target);
      for (let n = 0; n < 40; n++) {
        const { from, to } = fleet.window();
        const select = fleet.selection();
        const report = await uptime({ source, select, from, to });
        agreesWithTruth(fleet, report, select);
        const local = await uptime({ source: journalSource(journal.directory), select, from, to });
        assert.deepEqual(report, local);
      }
      source.close();
    },
  );
});

test('names with quotes and escapes neither break a query nor leave it', needsInfluxd, async () => {
  await using server = await startInfluxd();
  await ask(server.url, 'CREATE DATABASE fleet');
  const source = databaseSource({ url: server.url, database: 'fleet' });
  const nasty = [`'; DROP DATABASE fleet; --`, `\\' OR 1=1`, 'a"b', 'x\ny'];
  for (const device of nasty) {
    const report = await uptime({
      source,
      select: { device, site: device, deviceClass: device },
      from: 0,
      to: 1,
    });
    assert.deepEqual(report.rows, []);
  }
  source.close();
  assert.deepEqual((await ask(server.url, 'SHOW DATABASES')).flat(), ['fleet']);
});

test('an unknown database and a server that is away are told apart', needsInfluxd, async () => {
  await using server = await startInfluxd();
  const source = databaseSource({ url: server.url, database: 'nowhere' });
  const window = { from: START, to: START + 1 };
  await assert.rejects(uptime({ source, ...window }), {
    code: 'influx-query',
    message: /database not found: nowhere/,
  });
  await server.stop();
  await assert.rejects(uptime({ source, ...window }), {
    code: 'influx-unreachable',
    message: /ECONNREFUSED/,
  });
  source.close();
});

function verdict(device: string, to: State, at: number, rest: Partial<Transition> = {}): Transition {
  const reason = to === 'dead' ? 'silence' : 'heard';
  return { device, deviceClass: 'meter', from: 'unknown', to, at, noticedAt: at, phi: 0, reason, ...rest };
}

test('before its first point and long after its last one a device is unknown', async () => {
  let now = START;
  await withJournal(
    () => now,
    async (journal) => {
      const series = createStateSeries();
      await journal.append(series.record(verdict('d1', 'alive', START)));
      now = START + 72 * HOUR_MS;
      const source = journalSource(journal.directory);
      const whole = await uptime({ source, from: START - HOUR_MS, to: START + HOUR_MS });
      assert.deepEqual(whole.rows, [
        {
          deviceClass: 'meter',
          device: 'd1',
          upMs: HOUR_MS,
          downMs: 0,
          unknownMs: HOUR_MS,
          transitions: 1,
          uptimePercent: 100,
          coveragePercent: 50,
          state: 'alive',
        },
      ]);
      // No checkpoint followed, so nobody was watching: a verdict holds for 25 hours at most.
      const later = await uptime({ source, from: START, to: START + 72 * HOUR_MS });
      assert.equal(later.rows[0]?.upMs, 25 * HOUR_MS);
      assert.equal(later.rows[0]?.state, 'unknown');
      assert.deepEqual((await uptime({ source, from: START - HOUR_MS, to: START - 1 })).rows, []);
    },
  );
});

test('rows come sorted by class and device, and the total is their sum', async () => {
  await withJournal(
    () => START,
    async (journal) => {
      const series = createStateSeries();
      for (const device of ['d9', 'd10', 'D2', 'd1']) {
        await journal.append(series.record(verdict(device, 'alive', START)));
      }
      await journal.append(series.record(verdict('a', 'dead', START, { deviceClass: 'valve' })));
      await journal.append(series.record(verdict('z', 'dead', START, { deviceClass: 'Door' })));
      const source = journalSource(journal.directory);
      const { rows, total } = await uptime({ source, from: START, to: START + HOUR_MS });
      assert.deepEqual(
        rows.map(({ device }) => device),
        ['z', 'D2', 'd1', 'd10', 'd9', 'a'],
      );
      assert.equal(total.devices, 6);
      assert.equal(total.upMs, 4 * HOUR_MS);
      assert.equal(total.downMs, 2 * HOUR_MS);
      assert.equal(total.unknownMs, 0);
      assert.equal(total.coveragePercent, 100);
      const one = await uptime({ source, select: { device: 'd1' }, from: START, to: START + HOUR_MS });
      assert.deepEqual(
        one.rows.map(({ device }) => device),
        ['d1'],
      );
    },
  );
});

test('a window that is none is refused', async () => {
  const source = journalSource(join(tmpdir(), 'slowbeat-no-such-journal'));
  await assert.rejects(uptime({ source, from: 5, to: 5 }), RangeError);
  await assert.rejects(uptime({ source, from: 0.5, to: 5 }), RangeError);
  assert.deepEqual((await uptime({ source, from: 1, to: 5 })).rows, []);
});
