import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { until, within } from '@slowbeat/test-servers';
import mqtt, { type IPublishPacket } from 'mqtt-packet';
import { RawClient } from './test-support/raw-client.ts';
import { runBroker } from './test-support/running-broker.ts';

const BEAT = 'hb/v1/meter/d1/beat';

const unsubscribe = (messageId: number): Buffer =>
  mqtt.generate({ cmd: 'unsubscribe', messageId, unsubscriptions: [BEAT] });

describe('a message', () => {
  it('reaches everybody who listens, however subscriptions came and went', async () => {
    await using running = await runBroker();
    const [stays, goes] = [
      await RawClient.login(running.port, { clientId: 'stays' }),
      await RawClient.login(running.port, { clientId: 'goes' }),
    ];
    for (const qos of [0, 1, 1] as const) await stays.subscribe([BEAT], qos);
    await goes.subscribe([BEAT]);
    // The second one is there before the first has been dealt with.
    goes.socket.write(Buffer.concat([unsubscribe(8), unsubscribe(9)]));
    for (const _ of [8, 9]) await goes.next('unsuback');
    goes.destroy();
    await until(() => running.broker.counters().clientsConnected === 1, 'the other one to be gone');
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    await device.publishAcknowledged(BEAT, 'after', 1);
    await stays.next('publish');
    assert.deepEqual(stays.received, [], 'only once');
  });

  it('reaches a client once, with the highest QoS, however many of its filters match', async () => {
    await using running = await runBroker();
    const observer = await RawClient.login(running.port, { clientId: 'observer' });
    const filters = [BEAT, 'hb/v1/#', 'hb/v1/+/d1/+'];
    for (const [index, filter] of filters.entries()) await observer.subscribe([filter], index === 1 ? 1 : 0);
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    for (const messageId of [1, 2]) await device.publishAcknowledged(BEAT, `${messageId}`, messageId);
    for (const said of ['1', '2']) {
      const { payload, qos } = (await observer.next('publish')) as IPublishPacket;
      assert.deepEqual([String(payload), qos], [said, 1]);
    }
    assert.deepEqual(observer.received, []);
  });

  it('reaches who unsubscribed and subscribed anew in one breath', async () => {
    await using running = await runBroker();
    const observer = await RawClient.login(running.port, { clientId: 'observer' });
    await observer.subscribe([BEAT]);
    const anew = mqtt.generate({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: BEAT, qos: 1 }] });
    observer.socket.write(Buffer.concat([unsubscribe(8), anew]));
    await observer.next('suback');
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    await device.publishAcknowledged(BEAT, 'here', 1);
    await observer.next('publish');
  });

  it('comes once and in order to a lasting session, also in the middle of its log-in', async () => {
    const MESSAGES = 2_000;
    await using running = await runBroker({ limits: { messageBurstMax: MESSAGES } });
    const session = { clientId: 'detector', clean: false };
    let detector: RawClient = await RawClient.login(running.port, session);
    await detector.subscribe(['hb/v1/+/+/beat']);
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    const heard: number[] = [];
    for (let sent = 0; sent < MESSAGES; ) {
      const away = detector.ended;
      detector.destroy();
      await away;
      // Some are queued, some come while it logs in, some afterwards.
      const back = RawClient.open(running.port);
      for (const until = sent + MESSAGES / 10; sent < until; sent += 1) {
        device.publish(BEAT, `${sent}`, { qos: 1, messageId: sent + 1 });
        if (sent % 20 === 0) await nextTurn();
        if (until - sent === MESSAGES / 20) {
          detector = await back;
          detector.polite = true;
          detector.connect(session);
        }
      }
      while (heard.at(-1) !== sent - 1) {
        const { payload } = (await detector.next('publish')) as IPublishPacket;
        heard.push(Number(payload));
      }
    }
    assert.deepEqual(
      heard,
      Array.from({ length: MESSAGES }, (_, index) => index),
    );
  });

  it('reaches who subscribed before it was sent on another connection', async () => {
    await using running = await runBroker();
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    await device.publishAcknowledged(BEAT, 'nobody listens', 1);
    const observer = await RawClient.login(running.port, { clientId: 'observer' });
    await observer.subscribe(['hb/v1/+/+/beat']);
    device.publish(BEAT, 'now', { qos: 0 });
    const { payload } = (await observer.next('publish')) as { payload: Buffer };
    assert.equal(String(payload), 'now');
  });

  it('with more levels than may be is refused though nobody listens', async () => {
    await using running = await runBroker({ topics: 'any', limits: { topicLevelsMax: 10 } });
    const client = await RawClient.login(running.port, { clientId: 'c' });
    await client.publishAcknowledged('a/b/c/d/e/f/g/h/i/j', '', 1);
    client.publish('a/b/c/d/e/f/g/h/i/j/k', '', { qos: 1, messageId: 2 });
    await within(client.ended, 'the connection to end');
    assert.equal(running.broker.counters().refused['topic-too-long'], 1);
  });
});

describe('a device that never reads its PUBACKs', () => {
  it('is read no further, and cut off', async () => {
    const limits = { drainTimeoutMs: 300, messagesPerSecondMax: 1_000_000, messageBurstMax: 1_000_000 };
    await using running = await runBroker({ limits });
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    device.socket.pause();
    const beats = Buffer.concat(
      Array.from({ length: 1000 }, () => {
        const packet = { cmd: 'publish', topic: BEAT, payload: '', qos: 1, messageId: 1 } as const;
        return mqtt.generate({ ...packet, dup: false, retain: false });
      }),
    );
    const { refused } = running.broker.counters();
    assert.equal(refused['slow-reader'], 0);
    await until(() => {
      // What the system has no room for stays here; a bound keeps this test from filling the memory if nothing ends it.
      if (device.socket.writableLength < 10_000_000) device.socket.write(beats);
      return running.broker.counters().refused['slow-reader'] === 1;
    }, 'the broker to lose its patience');
    await within(device.ended, 'the connection to end');
  });
});
