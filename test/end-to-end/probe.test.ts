/** A suspect that holds its connection is asked: who answers lives, who does not dies at its deadline. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDevice, mqttTransport, type Transport } from '@slowbeat/device-sdk';
import { until } from '@slowbeat/test-servers';
import { scratch, startMonitor } from '../support/processes.ts';
import { Verdicts } from '../support/verdicts.ts';

/** A link that loses what `loses` says, as a full queue in the device would. */
function losing(transport: Transport, loses: (topic: string) => boolean): Transport {
  return {
    open(request, events) {
      const connection = transport.open(request, events);
      return {
        publish(message, done) {
          if (loses(message.topic)) setImmediate(done);
          else connection.publish(message, done);
        },
        subscribe: (topic, done) => connection.subscribe(topic, done),
        end: () => connection.end(),
        destroy: () => connection.destroy(),
      };
    },
  };
}

test('a connected device whose beats are lost lives as long as it answers, and then dies', async () => {
  await using data = await scratch();
  await using monitor = await startMonitor({
    'classes.meter.interval': '1s',
    'classes.meter.algorithm': 'missed',
    dataDirectory: data.path,
  });
  await using verdicts = await Verdicts.listen(monitor.url);
  let answers = true;
  let asked = 0;
  const device = createDevice({
    deviceId: 'mute',
    class: 'meter',
    interval: '1s',
    transport: losing(
      mqttTransport({ url: monitor.url }),
      (topic) => topic.endsWith('/beat') || (topic.endsWith('/pong') && !answers),
    ),
  });
  device.on('ping', () => {
    asked += 1;
  });
  device.start();
  // Twice its time to die, had it not answered.
  await until(
    () => verdicts.states('mute').filter((state) => state === 'suspect').length >= 4,
    'four suspicions',
  );
  assert.ok(!verdicts.states('mute').includes('dead'), `${verdicts.states('mute')}`);
  assert.ok(asked >= 3, `asked ${asked} times`);
  assert.ok((await monitor.metric('slowbeat_probes_total')) >= 3);
  answers = false;
  const dead = await verdicts.next('mute', 'dead');
  assert.equal(dead.at, dead.deadAt);
  assert.equal(dead.reason, 'silence');
  await device.stop();
});

test('who retires leaves no verdict behind', async () => {
  await using data = await scratch();
  await using monitor = await startMonitor({ 'classes.meter.interval': '10s', dataDirectory: data.path });
  await using verdicts = await Verdicts.listen(monitor.url);
  const device = createDevice({ url: monitor.url, deviceId: 'leaver', class: 'meter', interval: '10s' });
  device.start();
  await verdicts.next('leaver', 'alive');
  await device.stop({ retire: true });
  await until(() => verdicts.cleared.includes('leaver'), 'the retained verdict is removed');
  await using late = await Verdicts.listen(monitor.url);
  const other = createDevice({ url: monitor.url, deviceId: 'other', class: 'meter', interval: '10s' });
  other.start();
  await late.next('other', 'alive');
  assert.deepEqual(late.of('leaver'), []);
  await other.stop();
});
