import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, needsInfluxd, startInfluxd } from '@slowbeat/test-servers';
import { pino } from 'pino';
import { influxDoctor } from './influx-doctor.ts';
import { type Journal, openJournal } from './journal.ts';
import { formatPoint } from './line-protocol.ts';
import { type InfluxSenderOptions, startInfluxSender } from './sender.ts';
import type { InfluxSender, SenderStatus } from './sender-status.ts';

const logger = pino({ level: 'silent' });
const backoff = { initialMs: 20, maxMs: 100 };

async function withJournal(body: (journal: Journal) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-sender-'));
  try {
    await using journal = await openJournal({ directory, logger, keepUndelivered: true });
    await body(journal);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Starts a sender whose states can be waited for. */
async function startWatched(options: Omit<InfluxSenderOptions, 'logger' | 'backoff'>) {
  let current: SenderStatus | undefined;
  let changed: () => void = () => undefined;
  const sender = await startInfluxSender({
    ...options,
    logger,
    backoff,
    onStatus(status) {
      current = status;
      changed();
    },
  });
  const reached = async (state: SenderStatus['state'], about = ''): Promise<SenderStatus> => {
    const deadline = AbortSignal.timeout(20_000);
    while (current?.state !== state || !(current.problem ?? '').includes(about)) {
      await new Promise<void>((resolve, reject) => {
        changed = resolve;
        deadline.addEventListener('abort', () =>
          reject(new Error(`${state} was not reached: ${JSON.stringify(current)}`)),
        );
      });
    }
    return current;
  };
  return { sender, reached };
}

function points(from: number, count: number): string[] {
  return Array.from(
    { length: count },
    (_, n) => `sample,device=d${n % 7} value=${from + n}i ${1_700_000_000_000 + from + n}`,
  );
}

async function flushedWithin(sender: InfluxSender, ms = 30_000): Promise<void> {
  const late = AbortSignal.timeout(ms);
  await Promise.race([
    sender.flushed(),
    new Promise((_, reject) => {
      late.addEventListener('abort', () =>
        reject(new Error(`not flushed: ${JSON.stringify(sender.status())}`)),
      );
    }),
  ]);
}

test(
  'points that came while the server was away all arrive once, and go on in the next life',
  needsInfluxd,
  async () => {
    await using server = await startInfluxd();
    const target = { url: server.url, database: 'fleet' };
    await withJournal(async (journal) => {
      const { sender, reached } = await startWatched({ journal, target, createDatabaseIfMissing: true });
      await journal.append(points(0, 1000));
      await flushedWithin(sender);
      await server.stop();
      await journal.append(points(1000, 1000));
      const { problem, lagLines, lagBytes } = await reached('waiting');
      assert.match(problem ?? '', /cannot be reached: .*ECONNREFUSED/);
      assert.equal(lagLines, 1000);
      assert.ok(lagBytes > 40_000);
      await sender.stop();
      await journal.append(points(2000, 1000));
      const second = await startWatched({ journal, target });
      assert.equal(second.sender.status().lagLines, 2000);
      await second.reached('waiting');
      await server.start();
      await flushedWithin(second.sender);
      const status = await second.reached('idle');
      assert.equal(status.lagLines, 0);
      assert.equal(status.lagBytes, 0);
      await second.sender.stop();
    });
    assert.deepEqual(await ask(server.url, 'SELECT count(value), sum(value) FROM sample', { db: 'fleet' }), [
      [0, 3000, (3000 * 2999) / 2],
    ]);
  },
);

test(
  'a line that the server refuses goes to the dead letters with its reason, the others arrive',
  needsInfluxd,
  async () => {
    await using server = await startInfluxd();
    const target = { url: server.url, database: 'fleet' };
    await ask(server.url, 'CREATE DATABASE fleet');
    await withJournal(async (journal) => {
      const good = points(0, 500);
      const conflicting = 'sample,device=d1 value="text" 1700000900000';
      const broken = 'this is no line';
      await journal.append([
        ...good.slice(0, 123),
        conflicting,
        ...good.slice(123, 400),
        broken,
        ...good.slice(400),
      ]);
      const { sender } = await startWatched({ journal, target });
      await flushedWithin(sender);
      assert.equal(sender.status().deadLetters, 2);
      await sender.stop();
      const letters = (await readFile(join(journal.directory, 'dead-letters.ndjson'), 'utf8'))
        .trim()
        .split('\n');
      const [first, second] = letters.map((letter) => JSON.parse(letter) as { reason: string; line: string });
      assert.equal(first?.line, conflicting);
      assert.match(first?.reason ?? '', /400: partial write: field type conflict/);
      assert.equal(second?.line, broken);
      assert.match(second?.reason ?? '', /400: .*unable to parse/);
    });
    assert.deepEqual(await ask(server.url, 'SELECT count(value) FROM sample', { db: 'fleet' }), [[0, 500]]);
  },
);

test(
  'names with separators, quotes and backslashes are in InfluxDB what they were here',
  needsInfluxd,
  async () => {
    await using server = await startInfluxd();
    const names = ['a b', 'a,b', 'a=b', 'a\\b', 'a\\,b', 'a\\ b', '"a"', 'ä🐢', `it's`];
    await withJournal(async (journal) => {
      const target = { url: server.url, database: 'fleet' };
      const { sender } = await startWatched({ journal, target, createDatabaseIfMissing: true });
      await journal.append(
        names.map((device, at) =>
          formatPoint({ measurement: 'm, n', tags: { device }, fields: { text: device }, at }),
        ),
      );
      await flushedWithin(sender);
      assert.equal(sender.status().deadLetters, 0);
      await sender.stop();
    });
    const rows = await ask(server.url, 'SELECT text, device FROM "m, n"', { db: 'fleet' });
    assert.deepEqual(
      rows,
      names.map((device, at) => [at, device, device]),
    );
  },
);

test('a missing database and a wrong password hold delivery and say what to do', needsInfluxd, async () => {
  await using server = await startInfluxd({ auth: true });
  await ask(server.url, `CREATE USER root WITH PASSWORD 'open' WITH ALL PRIVILEGES`);
  const target = { url: server.url, database: 'fleet', username: 'root', password: 'wrong' };
  await withJournal(async (journal) => {
    await journal.append(points(0, 10));
    const wrong = await startWatched({ journal, target });
    const unknown = await wrong.reached('waiting', '401');
    assert.match(unknown.remedy ?? '', /INFLUX_PASSWORD/);
    assert.ok(!JSON.stringify(unknown).includes('wrong'), 'the password is never told');
    await wrong.sender.stop();

    const right = await startWatched({ journal, target: { ...target, password: 'open' } });
    const missing = await right.reached('waiting', '404');
    assert.match(missing.remedy ?? '', /CREATE DATABASE "fleet"/);
    const doctor = await influxDoctor({ ...target, password: 'open' });
    assert.equal(doctor.isReachable, true);
    assert.match(doctor.version ?? '', /^1\./);
    assert.equal(doctor.isReady, false);
    await ask(server.url, 'CREATE DATABASE fleet', { u: 'root', p: 'open' });
    await flushedWithin(right.sender);
    assert.equal(right.sender.status().deadLetters, 0);
    await right.sender.stop();
    assert.equal((await influxDoctor({ ...target, password: 'open' })).isReady, true);
    assert.equal((await influxDoctor(target)).isReady, false);
  });
});
