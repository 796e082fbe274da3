/** One device's life on real parts, from its first beat to the answer that InfluxDB gives about it. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, needsInfluxd, startInfluxd, until } from '@slowbeat/test-servers';
import { Running, scratch, slowbeatJson, startMonitor } from '../support/processes.ts';
import { Verdicts } from '../support/verdicts.ts';

const RECONNECT_MS = 2_000;

interface Uptime {
  readonly rows: readonly {
    readonly device: string;
    readonly upMs: number;
    readonly downMs: number;
    readonly unknownMs: number;
  }[];
}

test(
  'a killed device is suspect at its will, dead when it had time to reconnect, and InfluxDB tells',
  needsInfluxd,
  async () => {
    await using influx = await startInfluxd();
    await using data = await scratch();
    const env = { INFLUX_URL: influx.url, INFLUX_DATABASE: 'fleet' };
    await using monitor = await startMonitor(
      {
        'classes.sensor.interval': '1s',
        'classes.sensor.reconnectMs': RECONNECT_MS,
        dataDirectory: data.path,
      },
      { env },
    );
    await using verdicts = await Verdicts.listen(monitor.url);
    const program = join(import.meta.dirname, 'sdk-device.js');
    await using device = new Running(process.execPath, [program, monitor.url, 'sensor', 's1', '1s']);
    await device.prints(/beat 2/);
    const alive = await verdicts.next('s1', 'alive');

    const killedAt = Date.now();
    await device.end('SIGKILL');
    const suspect = await verdicts.next('s1', 'suspect');
    assert.equal(suspect.reason, 'will');
    assert.ok(Math.abs(suspect.at - killedAt) < 1_000, `suspect ${suspect.at - killedAt} ms after the kill`);
    const dead = await verdicts.next('s1', 'dead');
    assert.equal(dead.reason, 'reconnect-timeout');
    assert.equal(dead.at, suspect.at + RECONNECT_MS, 'the instant is the deadline, not when a loop noticed');

    const points = () => ask(influx.url, 'SELECT status, state, reason FROM device_state', { db: 'fleet' });
    await until(async () => (await points().catch(() => [])).length >= 3, 'three points in InfluxDB');
    assert.deepEqual(await points(), [
      [alive.at, 'alive', 1, 'first-seen'],
      [suspect.at, 'suspect', 1, 'will'],
      [dead.at, 'dead', 0, 'reconnect-timeout'],
    ]);

    // Up from the first beat to the deadline, down from there: to the millisecond, whoever is asked.
    const [from, to] = [alive.at - 5_000, dead.at + 500];
    await until(() => Date.now() > to, 'the window to be over');
    const window = [
      'uptime',
      '--device',
      's1',
      '--from',
      new Date(from).toISOString(),
      '--to',
      new Date(to).toISOString(),
    ];
    const truth = {
      device: 's1',
      upMs: dead.at - alive.at,
      downMs: to - dead.at,
      unknownMs: alive.at - from,
    };
    for (const [words, where] of [
      [[...window, '--data', data.path], {}],
      [window, env],
    ] as const) {
      const { rows } = await slowbeatJson<Uptime>(words, where);
      const [row] = rows;
      assert.ok(row !== undefined && rows.length === 1);
      const { device: name, upMs, downMs, unknownMs } = row;
      assert.deepEqual({ device: name, upMs, downMs, unknownMs }, truth);
    }
  },
);
