/**
 * `SLOWBEAT_CRASH_LIVES=200 node test/dist/support/run.js store/crash` is the long run; CI kills a dozen times.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { ask, needsInfluxd, startInfluxd } from '@slowbeat/test-servers';
import { pino } from 'pino';
import { availability, type Reason, type State } from '../detector/transition.ts';
import { seeded } from '../uptime/random-fleet.test.support.ts';
import { FlakySink } from './flaky-sink.test.support.ts';
import { openJournal } from './journal.ts';
import { journalReader } from './journal-reader.ts';
import { type Point, parsePoint } from './line-protocol.ts';
import { startInfluxSender } from './sender.ts';
import { HOUR_MS } from './slot.ts';

const CHILD = join(import.meta.dirname, 'crash-child.test.support.js');
const LIVES = Number(process.env.SLOWBEAT_CRASH_LIVES ?? 12);
const SEED = Number(process.env.SLOWBEAT_CRASH_SEED ?? 20_261_121);

/** Lives until something is durable and some moments more. @returns the lines of which it said that they are durable */
async function liveAndDie(directory: string, url: string, seed: number, moreMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, directory, url, String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const durable: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  for await (const text of createInterface({ input: child.stdout })) {
    timer ??= setTimeout(() => child.kill('SIGKILL'), moreMs);
    // The kill may come in the middle of what it says.
    if (text.endsWith(']')) durable.push(...(JSON.parse(text) as string[]));
  }
  await exited;
  clearTimeout(timer);
  assert.equal(child.signalCode, 'SIGKILL', 'it ended by being killed');
  return durable;
}

type Fields = Record<string, string>;

const keyOf = ({ measurement, tags, at }: Point): string =>
  [measurement, tags.class ?? '', tags.device ?? '', tags.site ?? '', at].join('|');

/** Content by point, the fields of later lines over those of earlier ones; fails where that is not allowed. */
function contentOf(lines: readonly string[]): Map<string, Fields> {
  const content = new Map<string, Fields>();
  for (const line of lines) {
    const point = parsePoint(line);
    assert.ok(point, `no line protocol: ${line}`);
    const key = keyOf(point);
    const before = content.get(key);
    const fields = Object.fromEntries(
      Object.entries(point.fields).map(([name, value]) => [name, String(value)]),
    );
    if (before !== undefined) {
      assert.ok(fields.rev !== undefined, `written twice without being put right: ${line}`);
      assert.ok(Number(fields.rev) > Number(before.rev ?? -1), `rev does not grow: ${line}`);
    }
    content.set(key, { ...before, ...fields });
  }
  return content;
}

/** Hours must say what the verdicts say, however often the process died in between. */
function hoursAgree(content: ReadonlyMap<string, Fields>): number {
  const verdicts = new Map<string, { at: number; counts: number }[]>();
  const hours: { device: string; at: number; fields: Fields }[] = [];
  for (const [key, fields] of content) {
    const [measurement, , device = '', , at] = key.split('|');
    if (measurement === 'device_1h') hours.push({ device, at: Number(at), fields });
    if (measurement !== 'device_state' || Number(fields.held_ms ?? 0) > 0) continue;
    const counts = availability(fields.status as State, fields.reason as Reason);
    verdicts.set(device, [...(verdicts.get(device) ?? []), { at: Number(at), counts }]);
  }
  for (const list of verdicts.values()) list.sort((one, other) => one.at - other.at);
  for (const { device, at, fields } of hours) {
    const sums: Record<string, number> = { '1': 0, '0': 0, '-1': 0 };
    const list = verdicts.get(device) ?? [];
    for (const [index, verdict] of list.entries()) {
      const from = Math.max(at, verdict.at);
      const to = Math.min(at + HOUR_MS, list[index + 1]?.at ?? Number.POSITIVE_INFINITY);
      if (to > from) sums[verdict.counts] = (sums[verdict.counts] ?? 0) + to - from;
    }
    const about = `${device} at ${new Date(at).toISOString()}`;
    assert.deepEqual([Number(fields.up_ms), Number(fields.down_ms)], [sums['1'], sums['0']], about);
    assert.equal(Number(fields.up_ms) + Number(fields.down_ms) + Number(fields.unknown_ms), HOUR_MS, about);
  }
  return hours.length;
}

/** Lives `LIVES` times, then delivers what is left, and returns every line of the journal. */
async function manyLives(
  directory: string,
  url: string,
  between: (life: number) => Promise<void>,
): Promise<readonly string[]> {
  const random = seeded(SEED);
  const acknowledged: string[] = [];
  for (let life = 1; life <= LIVES; life++) {
    await between(life);
    acknowledged.push(...(await liveAndDie(directory, url, SEED + life, Math.floor(random() * 150))));
  }
  await between(0);
  const logger = pino({ level: 'silent' });
  await using journal = await openJournal({ directory, logger });
  await using sender = await startInfluxSender({ journal, target: { url, database: 'fleet' }, logger });
  await sender.flushed();
  assert.equal(sender.status().deadLetters, 0);
  const lines: string[] = [];
  for await (const batch of journalReader(directory).read()) lines.push(...batch.lines);
  const written = new Set(lines);
  for (const line of acknowledged) assert.ok(written.has(line), `acknowledged and lost: ${line}`);
  return lines;
}

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-crash-'));
  try {
    await body(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

test(`killed ${LIVES} times while its server comes and goes, it has every point once, seed ${SEED}`, async (context) => {
  await inDirectory(async (directory) => {
    await using sink = await FlakySink.start(SEED);
    const lines = await manyLives(directory, sink.url, async (life) => {
      sink.mood = life === 0 ? 'well' : 'flaky';
      if (life % 5 === 3) await sink.goAway();
      else await sink.comeBack();
    });
    const content = contentOf(lines);
    const hours = hoursAgree(content);
    const delivered = new Set(sink.lines);
    for (const line of lines) assert.ok(delivered.has(line), `never delivered: ${line}`);
    // Last write wins there: the order of contents must be that of the journal.
    assert.deepEqual(sink.content(keyOf), content);
    const revised = lines.filter((line) => line.includes(',rev=')).length;
    context.diagnostic(`${lines.length} lines, ${revised} of them restatements, ${hours} hours of devices`);
    assert.ok(revised > 0 && hours > 0);
  });
});

test(`killed ${LIVES} times, InfluxDB holds what the journal holds, seed ${SEED}`, needsInfluxd, async () => {
  await using server = await startInfluxd();
  await ask(server.url, 'CREATE DATABASE fleet');
  await inDirectory(async (directory) => {
    let isUp = true;
    const lines = await manyLives(directory, server.url, async (life) => {
      const shouldBeUp = life % 6 !== 4;
      if (shouldBeUp !== isUp) await (shouldBeUp ? server.start() : server.stop());
      isUp = shouldBeUp;
    });
    const content = contentOf(lines);
    hoursAgree(content);
    let found = 0;
    for (const measurement of ['device_state', 'device_1h', 'device_1d', 'fleet_1m']) {
      const names = [
        ...new Set(
          [...content]
            .filter(([key]) => key.startsWith(`${measurement}|`))
            .flatMap(([, fields]) => Object.keys(fields)),
        ),
      ];
      const columns = ['class', 'device', 'site', ...names];
      const query = `SELECT ${columns.map((name) => `"${name}"`).join(', ')} FROM ${measurement}`;
      for (const [at, deviceClass, device, site, ...values] of await ask(server.url, query, {
        db: 'fleet',
      })) {
        const key = [measurement, deviceClass ?? '', device ?? '', site ?? '', at].join('|');
        const stored = Object.fromEntries(
          names.flatMap((name, index) => (values[index] === null ? [] : [[name, String(values[index])]])),
        );
        assert.deepEqual(stored, content.get(key), key);
        found++;
      }
    }
    const marks = [...content.keys()].filter((key) => /^(state_checkpoint|slots_closed)/.test(key)).length;
    assert.equal(found, content.size - marks);
  });
});
