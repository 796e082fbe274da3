/** A broker that restarts under a connected fleet: our blindness, nobody's death. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDevice } from '@slowbeat/device-sdk';
import { freePort, until } from '@slowbeat/test-servers';
import { scratch, slowbeat, startMonitor } from '../support/processes.ts';
import { Verdicts } from '../support/verdicts.ts';

const DEVICES = 200;

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`no device of ${DEVICES} is called dead when the broker is restarted by ${signal}`, async () => {
    await using data = await scratch();
    const port = await freePort();
    const broker = async () => {
      const process = slowbeat(['broker', '--config', '/dev/null', '--port', String(port)]);
      await process.prints(/listening|broker +mqtt/);
      return process;
    };
    let running = await broker();
    const url = `mqtt://127.0.0.1:${port}`;
    await using monitor = await startMonitor(
      { 'classes.meter.interval': '2s', 'classes.meter.algorithm': 'missed', dataDirectory: data.path },
      { command: ['detector', '--url', url] },
    );
    await using verdicts = await Verdicts.listen(url);
    const devices = Array.from({ length: DEVICES }, (_, n) =>
      createDevice({
        url,
        deviceId: `m${n}`,
        class: 'meter',
        interval: '2s',
        reconnect: { minMs: '200ms', maxMs: '2s' },
      }),
    );
    const names = devices.map(({ id }) => id);
    try {
      for (const device of devices) device.start();
      await until(() => names.every((name) => verdicts.states(name).includes('alive')), 'all alive');
      await running.end(signal);
      await until(
        async () => (await monitor.metric('slowbeat_blind')) === 1,
        'the monitor knows that it is blind',
      );
      running = await broker();
      await until(
        () => names.every((name) => verdicts.states(name).at(-1) === 'alive'),
        'all alive again',
        60_000,
      );
      for (const name of names) {
        const states = verdicts.states(name);
        assert.ok(!states.includes('dead') && !states.includes('unreachable'), `${name}: ${states}`);
      }
      const unknown = await monitor.metric('slowbeat_transitions_total', 'to="unknown"');
      assert.ok(unknown >= DEVICES, `${unknown} devices were written as unknown`);
      assert.equal(await monitor.metric('slowbeat_transitions_total', 'to="dead"'), 0);
    } finally {
      await Promise.all(devices.map((device) => device.stop({ timeout: 1 })));
      await running[Symbol.asyncDispose]();
    }
  });
}
