import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until, within } from './test-support/deadline.ts';
import { RawClient } from './test-support/raw-client.ts';
import { runBroker } from './test-support/running-broker.ts';

const BEAT = 'hb/v1/meter/d1/beat';

/** A tap whose messages are taken in when the test says so. */
function gate() {
  const held: (() => void)[] = [];
  return {
    held,
    tap: () => new Promise<void>((resolve) => held.push(resolve)),
    open: (): void => {
      for (const release of held.splice(0)) release();
    },
  };
}

describe('a PUBACK', () => {
  it('comes only after the detector has taken the message in', async () => {
    const { tap, held, open } = gate();
    await using running = await runBroker({ tap });
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    device.publish(BEAT, '{}', { qos: 1, messageId: 1 });
    await until(() => held.length === 1, 'the message to reach the tap');
    device.send({ cmd: 'pingreq' });
    await device.next('pingresp');
    assert.equal(device.received.length, 0);
    open();
    await device.next('puback');
  });

  for (const [what, tap, reason] of [
    ['rejects', () => Promise.reject(new Error('disk full')), 'tap-rejected'],
    [
      'throws',
      () => {
        throw new Error('bug');
      },
      'tap-rejected',
    ],
    ['does not answer in time', () => new Promise<void>(() => {}), 'tap-timeout'],
  ] as const) {
    it(`does not come when the tap ${what}: the connection ends, others go on`, async () => {
      let first = true;
      await using running = await runBroker({
        limits: { tapTimeoutMs: 100 },
        tap: () => {
          if (!first) return undefined;
          first = false;
          return tap();
        },
      });
      const device = await RawClient.login(running.port, { clientId: 'd1' });
      device.publish(BEAT, '{}', { qos: 1, messageId: 1 });
      await within(device.ended, 'the connection to end');
      assert.equal(device.received.length, 0);
      assert.equal(running.broker.counters().refused[reason], 1);
      assert.equal(running.broker.counters().messagesTaken, 0);
      const other = await RawClient.login(running.port, { clientId: 'd2' });
      await other.publishAcknowledged(BEAT, '{}', 1);
    });
  }

  it('is not held up for one client by a flood of another that waits for the detector', async () => {
    const { tap, held, open } = gate();
    await using running = await runBroker({
      limits: { pendingTapsMax: 20, pendingTapsPerClientMax: 10 },
      tap,
    });
    const flood = await RawClient.login(running.port, { clientId: 'flood' });
    for (let messageId = 1; messageId <= 200; messageId++) flood.publish(BEAT, '{}', { qos: 1, messageId });
    await until(() => held.length === 10, 'the flood to fill its share');
    const good = await RawClient.login(running.port, { clientId: 'good' });
    const acknowledged = good.publishAcknowledged(BEAT, '{}', 1);
    await until(() => held.length === 11, 'the good beat to be handed over');
    assert.equal(running.broker.counters().tapsPending, 11);
    open();
    await acknowledged;
    for (let messageId = 1; messageId <= 200; messageId++) {
      await until(
        () => held.length > 0 || running.broker.counters().messagesTaken === 201,
        'the next messages',
      );
      open();
    }
    await until(() => running.broker.counters().messagesTaken === 201, 'every message to be taken in');
  });

  it('is not needed for QoS 0, which is shed and counted while the detector is busy', async () => {
    const { tap, open } = gate();
    await using running = await runBroker({ limits: { pendingTapsMax: 5 }, tap });
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    for (let count = 0; count < 12; count++) device.publish(BEAT, '{}');
    await until(() => running.broker.counters().refused['tap-shed'] === 7, 'seven to be shed');
    assert.equal(running.broker.counters().tapsPending, 5);
    open();
    await until(() => running.broker.counters().messagesTaken === 5, 'five to be taken in');
    assert.equal(running.broker.counters().clientsConnected, 1);
  });
});

describe('a message', () => {
  it('that was taken in reaches subscribers although its client left at once', async () => {
    const { tap, held, open } = gate();
    await using running = await runBroker({ tap });
    const observer = await RawClient.login(running.port, { clientId: 'observer' });
    await observer.subscribe(['hb/v1/#']);
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    device.publish('hb/v1/meter/d1/bye', '{}', { qos: 1, messageId: 1 });
    device.send({ cmd: 'disconnect' });
    await until(() => held.length === 1, 'the message to reach the tap');
    await within(device.ended, 'the device to be gone');
    open();
    const delivered = await observer.next('publish');
    assert.equal((delivered as { topic: string }).topic, 'hb/v1/meter/d1/bye');
  });

  it('of a device is never retained, whatever it says', async () => {
    await using running = await runBroker();
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    device.publish(BEAT, '{}', { qos: 1, messageId: 1, retain: true });
    await device.next('puback');
    const observer = await RawClient.login(running.port, { clientId: 'observer' });
    await observer.subscribe([BEAT]);
    await device.publishAcknowledged(BEAT, '{"live":1}', 2);
    const delivered = await observer.next('publish');
    assert.equal(String((delivered as { payload: Buffer }).payload), '{"live":1}');
    assert.equal((delivered as { retain: boolean }).retain, false);
    assert.equal(running.broker.counters().retainedMessages, 0);
  });

  it('of the detector in this process is retained, told to subscribers and not given to the tap', async () => {
    await using running = await runBroker();
    const topic = 'hb/v1/meter/d1/state';
    await running.broker.publish({ topic, payload: Buffer.from('{"state":"dead"}'), qos: 1, retain: true });
    const observer = await RawClient.login(running.port, { clientId: 'observer' });
    await observer.subscribe(['hb/v1/+/+/state']);
    const delivered = (await observer.next('publish')) as { topic: string; retain: boolean; payload: Buffer };
    assert.deepEqual(
      [delivered.topic, delivered.retain, String(delivered.payload)],
      [topic, true, '{"state":"dead"}'],
    );
    assert.deepEqual(running.tapped, []);
  });

  it('can no longer be published after close()', async () => {
    const running = await runBroker();
    await running.broker.close();
    const message = {
      topic: 'hb/v1/meter/d1/state',
      payload: Buffer.from('{}'),
      qos: 1,
      retain: true,
    } as const;
    await assert.rejects(running.broker.publish(message), { code: 'closed' });
  });

  for (const topic of [
    'garbage',
    'hb/v1/meter/d1',
    '$SYS/x',
    'hb/v1/meter/d1/beat/more',
    'hb/v2/meter/d1/beat',
    '/',
  ]) {
    it(`on "${topic}" ends the connection without PUBACK and is counted`, async () => {
      await using running = await runBroker();
      const client = await RawClient.login(running.port, { clientId: 'd1' });
      client.publish(topic, '{}', { qos: 1, messageId: 1 });
      await within(client.ended, 'the connection to end');
      assert.equal(client.received.length, 0);
      assert.equal(running.broker.counters().refused['publish-refused'], 1);
    });
  }

  it('of QoS 2 is taken in as well', async () => {
    await using running = await runBroker();
    const client = await RawClient.login(running.port, { clientId: 'd1' });
    client.publish(BEAT, '{}', { qos: 2, messageId: 1 });
    await client.next('pubrec');
    client.send({ cmd: 'pubrel', messageId: 1 });
    await client.next('pubcomp');
    assert.equal(running.broker.counters().messagesTaken, 1);
  });
});

describe('a lasting session', () => {
  const session = { clientId: 'detector', clean: false };

  it('finds the messages of its absence, and acknowledged ones do not come again', async () => {
    await using running = await runBroker();
    const detector = await RawClient.login(running.port, session);
    await detector.subscribe(['hb/v1/+/+/+']);
    detector.destroy();
    await until(() => running.broker.counters().clientsConnected === 0, 'the detector to be away');
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    for (const messageId of [1, 2, 3])
      await device.publishAcknowledged(BEAT, `{"s":${messageId}}`, messageId);
    const back = await RawClient.login(running.port, session);
    const payloads: string[] = [];
    for (let count = 0; count < 3; count++) {
      const packet = (await back.next('publish')) as { payload: Buffer; messageId: number };
      payloads.push(String(packet.payload));
      back.send({ cmd: 'puback', messageId: packet.messageId });
    }
    assert.deepEqual(payloads, ['{"s":1}', '{"s":2}', '{"s":3}']);
    await device.publishAcknowledged(BEAT, '{"s":4}', 4);
    const live = (await back.next('publish')) as { payload: Buffer; messageId: number };
    assert.equal(String(live.payload), '{"s":4}');
    back.send({ cmd: 'puback', messageId: live.messageId });
    back.send({ cmd: 'disconnect' });
    await within(back.ended, 'the end');
    await until(() => running.broker.counters().clientsConnected === 1, 'the detector to be away');
    const again = await RawClient.login(running.port, session);
    await device.publishAcknowledged(BEAT, '{"s":5}', 5);
    assert.equal(String(((await again.next('publish')) as { payload: Buffer }).payload), '{"s":5}');
  });

  it('drops its oldest messages beyond the limit, and counts them', async () => {
    await using running = await runBroker({ limits: { queuedMessagesMax: 5 } });
    const detector = await RawClient.login(running.port, session);
    await detector.subscribe(['hb/v1/#']);
    detector.send({ cmd: 'disconnect' });
    await until(() => running.broker.counters().clientsConnected === 0, 'the detector to be away');
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    for (let messageId = 1; messageId <= 12; messageId++) {
      await device.publishAcknowledged(BEAT, String(messageId), messageId);
    }
    assert.equal(running.broker.counters().refused['queue-overflow'], 7);
    const back = await RawClient.login(running.port, session);
    for (const expected of ['8', '9', '10', '11', '12']) {
      assert.equal(String(((await back.next('publish')) as { payload: Buffer }).payload), expected);
    }
  });

  it('is not kept for what was refused in the same SUBSCRIBE', async () => {
    await using running = await runBroker({ limits: { subscriptionsPerClientMax: 1 } });
    const client = await RawClient.login(running.port, session);
    assert.deepEqual(await client.subscribe(['hb/v1/+/+/state', 'hb/v1/+/+/beat']), [1, 128]);
    client.send({ cmd: 'disconnect' });
    await until(() => running.broker.counters().clientsConnected === 0, 'the client to be away');
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    await device.publishAcknowledged(BEAT, '{}', 1);
    await device.publishAcknowledged('hb/v1/meter/d1/state', '{"state":"alive"}', 2);
    const back = await RawClient.login(running.port, session);
    assert.equal(((await back.next('publish')) as { topic: string }).topic, 'hb/v1/meter/d1/state');
  });

  it('is refused beyond the limit, and forgotten on a clean log-in', async () => {
    await using running = await runBroker({ limits: { persistentSessionsMax: 1 } });
    const first = await RawClient.login(running.port, session);
    await first.subscribe(['hb/v1/#']);
    const second = await RawClient.login(running.port, { clientId: 'other', clean: false });
    second.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'hb/v1/#', qos: 1 }] });
    await within(second.ended, 'the second to be refused');
    assert.equal(running.broker.counters().refused['sessions-max'], 1);
    await RawClient.login(running.port, { ...session, clean: true });
    assert.equal(running.broker.counters().sessionsKept, 0);
  });

  it('is not made of a device that hears only its own ping', async () => {
    await using running = await runBroker({ limits: { persistentSessionsMax: 0 } });
    const device = await RawClient.login(running.port, { clientId: 'd1', clean: false });
    assert.deepEqual(await device.subscribe(['hb/v1/meter/d1/ping']), [1]);
    await running.broker.publish({
      topic: 'hb/v1/meter/d1/ping',
      payload: Buffer.from('{}'),
      qos: 1,
      retain: false,
    });
    await device.next('publish');
    assert.equal(running.broker.counters().sessionsKept, 0);
  });
});

describe('a subscriber that stops reading', () => {
  it('is cut off, and neither publishers nor other subscribers wait for it', async () => {
    await using running = await runBroker({
      limits: { drainTimeoutMs: 60_000, sendBufferBytesMax: 1_048_576, messageBurstMax: 100_000 },
    });
    const stuck = await RawClient.login(running.port, { clientId: 'stuck' });
    await stuck.subscribe(['hb/v1/#'], 0);
    stuck.socket.pause();
    const reader = await RawClient.login(running.port, { clientId: 'reader' });
    await reader.subscribe(['hb/v1/#'], 0);
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    const payload = 'x'.repeat(4_000);
    let slowestMs = 0;
    let sent = 0;
    // In bursts, because Aedes reads on only when it is done with all it has read.
    const BURST = 10;
    for (; running.broker.counters().refused['slow-reader'] === 0 && sent < 20_000; sent += BURST) {
      const startedAt = performance.now();
      const burst = Array.from({ length: BURST }, (_, index) =>
        device.publishAcknowledged(BEAT, payload, ((sent + index) % 65_535) + 1),
      );
      await Promise.all(burst);
      for (let index = 0; index < BURST; index++) await reader.next('publish');
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    }
    assert.equal(running.broker.counters().refused['slow-reader'], 1, `still there after ${sent} messages`);
    assert.ok(slowestMs < 1_000, `a burst took ${slowestMs} ms`);
    await until(() => running.broker.counters().clientsConnected === 2, 'the stuck subscriber to be gone');
  });

  it('is cut off after the drain timeout even when little waits for it', async () => {
    await using running = await runBroker({ limits: { drainTimeoutMs: 200, messageBurstMax: 100_000 } });
    const stuck = await RawClient.login(running.port, { clientId: 'stuck' });
    await stuck.subscribe(['hb/v1/#'], 0);
    stuck.socket.pause();
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    const payload = 'x'.repeat(4_000);
    for (let sent = 0; running.broker.counters().refused['slow-reader'] === 0 && sent < 20_000; sent++) {
      await device.publishAcknowledged(BEAT, payload, (sent % 65_535) + 1);
    }
    assert.equal(running.broker.counters().refused['slow-reader'], 1);
  });
});
