/** InfluxDB away for a minute under load, and the monitor killed meanwhile: every point arrives, once. */

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, freePort, needsInfluxd, startInfluxd, until } from '@slowbeat/test-servers';
import { scratch, startMonitor } from '../support/processes.ts';
import { RawDevice } from '../support/raw-device.ts';

const AWAY_MS = 60_000;
const DEVICES = 20;

test('every point arrives once with the content it was first written with', needsInfluxd, async () => {
  await using influx = await startInfluxd();
  await using data = await scratch();
  const settings = {
    'classes.meter.interval': '10m',
    'broker.tcp.port': await freePort(),
    dataDirectory: data.path,
  };
  const env = { INFLUX_URL: influx.url, INFLUX_DATABASE: 'fleet' };
  let monitor = await startMonitor(settings, { env });
  let generation = 0;
  /** Every device boots and goes to sleep: two points each. */
  const load = async () => {
    generation += 1;
    await Promise.all(
      Array.from({ length: DEVICES }, async (_, n) => {
        const device = await RawDevice.connect(monitor.url, 'meter', `m${n}`);
        await device.say('birth', { generation, session: 1 });
        await device.say('bye', { generation, session: 1, sleepMs: 600_000 });
        await device.leave();
      }),
    );
  };
  try {
    await load();
    const arrived = async () =>
      Number((await ask(influx.url, 'SELECT count(status) FROM device_state', { db: 'fleet' }))[0]?.[1] ?? 0);
    await until(async () => (await arrived().catch(() => 0)) === 2 * DEVICES, 'the first points');

    await influx.stop();
    const awayUntil = performance.now() + AWAY_MS;
    for (let round = 0; performance.now() < awayUntil; round += 1) {
      await load();
      if (round % 5 !== 2) continue;
      await monitor.process.end('SIGKILL');
      monitor = await startMonitor(settings, { env });
    }
    await influx.start();
    await load();
    await until(
      async () => (await monitor.metric('slowbeat_influx_lag_lines')) === 0,
      'everything delivered',
      60_000,
    );
    await monitor.process.end('SIGTERM');

    const written = await journalPoints(data.path);
    await until(
      async () => (await arrived()) === written.size,
      `${written.size} points, not ${await arrived()}`,
    );
    const rows = await ask(
      influx.url,
      'SELECT status, seq, up_total_ms, down_total_ms, unknown_total_ms FROM device_state GROUP BY device',
      { db: 'fleet' },
    );
    assert.deepEqual(rows.map(String).sort(), [...written.values()].map(String).sort());
    assert.ok(generation > 10, `${generation} rounds of load`);
  } finally {
    await monitor[Symbol.asyncDispose]();
  }
});

/** The journal's points by series and instant, each as the row InfluxDB should give back. */
async function journalPoints(data: string): Promise<Map<string, unknown[]>> {
  const directory = join(data, 'journal');
  const points = new Map<string, unknown[]>();
  for (const name of (await readdir(directory)).filter((file) => file.endsWith('.lp')).sort()) {
    for (const line of (await readFile(join(directory, name), 'utf8')).split('\n')) {
      const match = /^device_state,(\S+) (.*) (\d+)$/.exec(line);
      if (match === null) continue;
      const [, tags, fields, at] = match as unknown as [string, string, string, string];
      const number = (field: string) => Number(new RegExp(`(?:^|,)${field}=(\\d+)i`).exec(fields)?.[1]);
      const row = [
        Number(at),
        /status="(\w+)"/.exec(fields)?.[1],
        ...['seq', 'up_total_ms', 'down_total_ms', 'unknown_total_ms'].map(number),
      ];
      const key = `${tags} ${at}`;
      const before = points.get(key);
      if (!/,rev=\d+i/.test(fields)) assert.ok(before === undefined || String(before) === String(row), line);
      points.set(key, row);
    }
  }
  return points;
}
