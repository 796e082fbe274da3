/** A graceful sleeper: publishes, disconnects, wakes an interval later. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDevice } from '@slowbeat/device-sdk';
import { scratch, startMonitor, until } from '../support/processes.ts';
import { Verdicts } from '../support/verdicts.ts';

test('a sleeper stays alive through ten cycles, and is dead when it does not wake', async () => {
  await using data = await scratch();
  await using monitor = await startMonitor({
    'classes.meter.interval': '1s',
    'classes.meter.algorithm': 'missed',
    dataDirectory: data.path,
  });
  await using verdicts = await Verdicts.listen(monitor.url);
  const device = createDevice({
    url: monitor.url,
    deviceId: 'sleeper',
    class: 'meter',
    interval: '1s',
    connection: 'per-beat',
  });
  let beats = 0;
  device.on('beat', () => {
    beats += 1;
  });
  device.start();
  await until(() => beats >= 11, 'ten cycles');
  assert.deepEqual(verdicts.states('sleeper'), ['alive']);
  assert.equal(await monitor.metric('slowbeat_messages_total', 'kind="will"'), 0);
  // It does not wake: the sleeping process is gone, which nobody is told.
  device.on('beat', () => assert.fail('it beats after its end'));
  await device.stop({ sleepFor: '1s' });
  const dead = await verdicts.next('sleeper', 'dead');
  assert.deepEqual(verdicts.states('sleeper'), ['alive', 'asleep', 'suspect', 'dead']);
  assert.equal(dead.reason, 'overslept');
});
