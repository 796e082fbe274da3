/**
 * A device that dies together with the broker: its silence tells, once the detector can hear again, and where the broker
 * keeps its sessions its will does, when it has had time to come back.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDevice } from '@slowbeat/device-sdk';
import { freePort, until } from '@slowbeat/test-servers';
import { scratch, slowbeat, startMonitor } from '../support/processes.ts';
import { RawDevice } from '../support/raw-device.ts';
import { Verdicts } from '../support/verdicts.ts';

const SURVIVORS = 12;
/** Three that survive and one that does not. */
const SMALL_FLEET = 4;

for (const [kept, flags] of [
  ['that keeps its sessions', (path: string) => ['--data', path]],
  ['in memory', () => []],
] as const) {
  test(`of ${SURVIVORS + 1} devices, the one that died with a killed broker ${kept} is dead, and no other`, async () => {
    await using data = await scratch();
    const port = await freePort();
    const broker = async () => {
      const process = slowbeat([
        'broker',
        '--config',
        '/dev/null',
        '--port',
        String(port),
        ...flags(data.path),
      ]);
      await process.prints(/listens at/);
      return process;
    };
    let running = await broker();
    const url = `mqtt://127.0.0.1:${port}`;
    await using monitor = await startMonitor(
      {
        'classes.meter.interval': '1s',
        'classes.meter.algorithm': 'missed',
        'classes.meter.reconnect': '5s',
        dataDirectory: `${data.path}/m`,
      },
      { command: ['detector', '--url', url] },
    );
    const verdicts = await Verdicts.listen(url);
    const devices = Array.from({ length: SURVIVORS }, (_, n) =>
      createDevice({
        url,
        deviceId: `m${n}`,
        class: 'meter',
        interval: '1s',
        reconnect: { minMs: '100ms', maxMs: '1s' },
      }),
    );
    const names = devices.map(({ id }) => id);
    try {
      for (const device of devices) device.start();
      const doomed = await RawDevice.connect(url, 'meter', 'doomed', { generation: 1, session: 1 });
      await doomed.say('beat', { generation: 1, session: 1, seq: 0, nextMs: 1000 });
      await until(
        () => [...names, 'doomed'].every((name) => verdicts.states(name).includes('alive')),
        'all alive',
      );

      await running.end('SIGKILL');
      await until(
        async () => (await monitor.metric('slowbeat_blind')) === 1,
        'the monitor knows that it is blind',
      );
      running = await broker();

      await verdicts.next('doomed', 'dead');
      assert.equal(await monitor.metric('slowbeat_messages_total', 'kind="will"'), 0);
      await until(() => names.every((name) => verdicts.states(name).at(-1) === 'alive'), 'the others alive');
      assert.equal(await monitor.metric('slowbeat_transitions_total', 'to="dead"'), 1);
      assert.equal(await monitor.metric('slowbeat_transitions_total', 'to="unreachable"'), 0);
    } finally {
      await Promise.all(devices.map((device) => device.stop({ timeout: 1 })));
      await verdicts[Symbol.asyncDispose]();
      await running[Symbol.asyncDispose]();
    }
  });
}

test('a device with a beat a day that died with a killed monitor is dead by its will, soon after the restart', async () => {
  await using data = await scratch();
  const port = await freePort();
  const start = () =>
    startMonitor({
      'classes.meter.interval': '1d',
      'classes.meter.reconnect': '2s',
      'broker.tcp.port': port,
      'broker.limits.orphanGraceS': 2,
      dataDirectory: data.path,
    });
  const before = await start();
  const url = before.url;
  const devices = Array.from({ length: 3 }, (_, n) =>
    createDevice({
      url,
      deviceId: `m${n}`,
      class: 'meter',
      interval: '1d',
      keepalive: 1,
      reconnect: { minMs: '100ms', maxMs: '500ms' },
    }),
  );
  const names = devices.map(({ id }) => id);
  try {
    for (const device of devices) device.start();
    const will = { generation: 1, session: 1 };
    const doomed = await RawDevice.connect(url, 'meter', 'doomed', will, { keepalive: 1 });
    await doomed.say('beat', { ...will, seq: 0, nextMs: 86_400_000 });
    await until(
      async () => (await before.metric('slowbeat_devices', 'state="alive"')) === SMALL_FLEET,
      'all alive',
    );
    await before.process.end('SIGKILL');
    await using after = await start();
    await using verdicts = await Verdicts.listen(url);
    await verdicts.next('doomed', 'dead');
    assert.equal(await after.metric('slowbeat_messages_total', 'kind="will"'), 1);
    await until(() => names.every((name) => verdicts.states(name).at(-1) === 'alive'), 'the others alive');
    assert.equal(await after.metric('slowbeat_transitions_total', 'to="dead"'), 1);
  } finally {
    await Promise.all(devices.map((device) => device.stop({ timeout: 1 })));
    await before[Symbol.asyncDispose]();
  }
});
