/** What strangers send: counted by reason, logged at a bounded rate, and the others go on. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import mqtt from 'mqtt';
import { scratch, startMonitor, until } from '../support/processes.ts';
import { RawDevice } from '../support/raw-device.ts';

test('random bytes, wrong types, huge payloads, foreign topics and unknown classes harm nobody', async () => {
  await using data = await scratch();
  await using monitor = await startMonitor({ 'classes.meter.interval': '10m', dataDirectory: data.path });
  await using good = await RawDevice.connect(monitor.url, 'meter', 'good');
  let seq = 0;
  const stillHeard = () => good.say('beat', { generation: 1, session: 1, seq: seq++ });
  await stillHeard();

  const client = await mqtt.connectAsync(monitor.url, { reconnectPeriod: 0 });
  const send = (topic: string, payload: Uint8Array | string) =>
    client.publishAsync(topic, Buffer.from(payload), { qos: 1 });
  const rounds = 100;
  for (let round = 0; round < rounds; round += 1) {
    await send('hb/v1/meter/bad/beat', Buffer.concat([Buffer.from([0x80]), randomBytes(50)]));
    await send('hb/v1/meter/bad/beat', '{"s":"not a number"}');
    await send('hb/v1/meter/bad/beat', '{"s":');
    await send('hb/v1/pump/d1/beat', '{}');
  }
  const refused = (reason: string) => monitor.metric('slowbeat_messages_total', `outcome="${reason}"`);
  assert.equal(await refused('not-json-or-cbor'), rounds);
  assert.equal(await refused('invalid-field'), rounds);
  assert.equal(await refused('malformed'), rounds);
  assert.equal(await refused('unknown-class'), rounds);
  await client.endAsync(true);
  await stillHeard();

  for (const [topic, payload] of [
    ['hb/v1/meter/huge/beat', Buffer.alloc(1_000_000, 0x7b)],
    ['hb/v1/meter', '{}'],
    ['elsewhere/entirely', '{}'],
    ['hb/v1/meter/../beat', '{}'],
  ] as const) {
    const stranger = await mqtt.connectAsync(monitor.url, { reconnectPeriod: 0 });
    stranger.on('error', () => {});
    let over = false;
    stranger.on('close', () => {
      over = true;
    });
    stranger.publish(topic, Buffer.from(payload), { qos: 1 }, () => {
      over = true;
    });
    await until(() => over, `an end for what was said on ${topic}`);
    stranger.end(true);
    await stillHeard();
  }
  const refusedByBroker = await monitor.metric('slowbeat_broker_refused_total');
  assert.ok(refusedByBroker >= 4, `the broker refused and counted ${refusedByBroker}`);
  const lines = monitor.process.stderr.split('\n').length;
  assert.ok(lines < 80, `${lines} log lines for ${4 * rounds} bad messages`);
  assert.equal(monitor.process.ended, false);
});
