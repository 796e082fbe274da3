/** Wills, retained copies, duplicates and reboots, as real clients and a real broker produce them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import mqtt from 'mqtt';
import { type Monitor, scratch, startMonitor, until } from '../support/processes.ts';
import { RawDevice } from '../support/raw-device.ts';
import { Verdicts } from '../support/verdicts.ts';

const METER = { 'classes.meter.interval': '10m', 'classes.meter.reconnect': '5s' };

interface View {
  readonly state: string;
  readonly lastSeenAt: number;
  readonly deadAt: number;
  readonly generation: number;
  readonly session: number;
}

async function view(monitor: Monitor, device: string): Promise<View> {
  return (await (await fetch(`${monitor.http}/api/v1/devices/meter/${device}`)).json()) as View;
}

test('the will of an old session, published after the reconnect, changes nothing', async () => {
  await using data = await scratch();
  await using monitor = await startMonitor({ ...METER, dataDirectory: data.path });
  await using verdicts = await Verdicts.listen(monitor.url);
  await using first = await RawDevice.connect(monitor.url, 'meter', 'd1', { generation: 7, session: 1 });
  await first.say('birth', { generation: 7, session: 1 });
  await verdicts.next('d1', 'alive');
  // A takeover: the broker publishes the first session's will when the second has its place.
  await using second = await RawDevice.connect(monitor.url, 'meter', 'd1', { generation: 7, session: 2 });
  await second.say('birth', { generation: 7, session: 2 });
  await until(
    async () => (await monitor.metric('slowbeat_messages_total', 'kind="will"')) === 1,
    'the old will',
  );
  assert.equal((await view(monitor, 'd1')).session, 2);
  assert.equal((await view(monitor, 'd1')).state, 'alive');
  // The new session's own will does count.
  second.cut();
  const suspect = await verdicts.next('d1', 'suspect');
  assert.equal(suspect.reason, 'will');
});

test('a retained or duplicated beat renews nothing', async () => {
  await using data = await scratch();
  await using monitor = await startMonitor({ ...METER, dataDirectory: data.path });
  await using device = await RawDevice.connect(monitor.url, 'meter', 'd1');
  const beat = { generation: 7, session: 1, seq: 3, nextMs: 600_000 };
  await device.say('beat', beat, true);
  const before = await view(monitor, 'd1');
  await device.say('beat', beat, true);
  await device.say('beat', { ...beat, seq: 2 });
  const after = await view(monitor, 'd1');
  assert.equal(after.lastSeenAt, before.lastSeenAt);
  assert.equal(after.deadAt, before.deadAt);
  assert.equal(await monitor.metric('slowbeat_messages_total', 'outcome="duplicate"'), 2);
  // And nobody who subscribes later is told of a beat.
  const client = await mqtt.connectAsync(monitor.url);
  const told: string[] = [];
  client.on('message', (topic) => void told.push(topic));
  await client.subscribeAsync('hb/v1/#', { qos: 1 });
  await until(() => told.length > 0, 'the retained verdict');
  await client.endAsync();
  assert.deepEqual(told, ['hb/v1/meter/d1/state']);
});

test('a device that reboots starts a new generation, whatever was said before', async () => {
  await using data = await scratch();
  await using monitor = await startMonitor({ ...METER, dataDirectory: data.path });
  await using device = await RawDevice.connect(monitor.url, 'meter', 'd1');
  await device.say('beat', { generation: 7, session: 4, seq: 100, nextMs: 600_000 });
  await device.say('birth', { generation: 8, session: 1, uptimeS: 1 });
  await device.say('beat', { generation: 8, session: 1, seq: 0, nextMs: 600_000 });
  const { lastSeenAt, generation } = await view(monitor, 'd1');
  assert.equal(generation, 8);
  await device.say('beat', { generation: 7, session: 4, seq: 101, nextMs: 600_000 });
  assert.equal((await view(monitor, 'd1')).lastSeenAt, lastSeenAt);
  assert.equal(await monitor.metric('slowbeat_messages_total', 'outcome="superseded"'), 1);
});
