import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until, within } from '@slowbeat/test-servers';
import mqtt from 'mqtt';
import { RawClient } from './test-support/raw-client.ts';
import { type RunningBroker, runBroker } from './test-support/running-broker.ts';

const WILL_TOPIC = 'hb/v1/meter/d1/will';

function will(payload: string, topic = WILL_TOPIC) {
  return { topic, payload: Buffer.from(payload), qos: 1 as const, retain: false };
}

function wills({ tapped }: RunningBroker): string[] {
  return tapped.filter(({ topic }) => topic.endsWith('/will')).map(({ payload }) => payload);
}

describe('a last will', () => {
  it('reaches the tap and subscribers when the socket is destroyed', async () => {
    await using running = await runBroker();
    const observer = await RawClient.login(running.port, { clientId: 'observer' });
    await observer.subscribe(['hb/v1/#']);
    const device = await RawClient.login(running.port, { clientId: 'd1', will: will('{"g":1,"k":1}') });
    device.destroy();
    const delivered = await observer.next('publish');
    assert.equal((delivered as { topic: string }).topic, WILL_TOPIC);
    assert.deepEqual(wills(running), ['{"g":1,"k":1}']);
    assert.equal(running.broker.counters().willsTaken, 1);
  });

  it('does not fire after DISCONNECT', async () => {
    await using running = await runBroker();
    const device = await RawClient.login(running.port, { clientId: 'd1', will: will('w') });
    device.send({ cmd: 'disconnect' });
    await within(device.ended, 'the end');
    await until(() => running.broker.counters().clientsConnected === 0, 'the client to be gone');
    assert.deepEqual(wills(running), []);
  });

  for (const [keepalive, what] of [
    [1, 'its keepalive'],
    [0, 'the longest keepalive granted, though it asked for none'],
  ] as const) {
    it(`fires when a half-open connection has been silent for 1.5 × ${what}`, async () => {
      await using running = await runBroker({ limits: { keepaliveMaxS: 1 } });
      const device = await RawClient.login(running.port, { clientId: 'd1', keepalive, will: will('w') });
      device.socket.pause(); // says nothing, hears nothing, and does not end
      await until(() => wills(running).length === 1, 'the will');
      assert.equal(running.broker.counters().refused['keepalive-timeout'], 1);
      device.destroy();
    });
  }

  it('comes without its retain flag', async () => {
    await using running = await runBroker();
    const device = await RawClient.login(running.port, {
      clientId: 'd1',
      will: { ...will('w'), retain: true },
    });
    device.destroy();
    await until(() => wills(running).length === 1, 'the will');
    assert.equal(running.broker.counters().retainedMessages, 0);
  });

  it('of the session that took over survives the end of the one it replaced (raw client)', async () => {
    await using running = await runBroker();
    const first = await RawClient.login(running.port, { clientId: 'd1', will: will('{"g":1,"k":1}') });
    const second = await RawClient.login(running.port, { clientId: 'd1', will: will('{"g":1,"k":2}') });
    await within(first.ended, 'the first connection to be closed');
    await until(() => wills(running).length === 1, 'the old will');
    assert.deepEqual(
      wills(running),
      ['{"g":1,"k":1}'],
      'the old will is told: the detector knows it is stale',
    );
    second.destroy();
    await until(() => wills(running).length === 2, 'the new will');
    assert.deepEqual(wills(running), ['{"g":1,"k":1}', '{"g":1,"k":2}']);
    assert.equal(running.broker.counters().takeoversTotal, 1);
  });

  it('of the session that took over survives the end of the one it replaced (MQTT.js)', async () => {
    await using running = await runBroker();
    const options = { clientId: 'd1', reconnectPeriod: 0 };
    const first = await mqtt.connectAsync(running.url, { ...options, will: will('{"g":1,"k":1}') });
    await first.subscribeAsync('hb/v1/meter/d1/ping', { qos: 1 });
    const second = await mqtt.connectAsync(running.url, { ...options, will: will('{"g":1,"k":2}') });
    await until(() => wills(running).length === 1, 'the old will');
    second.stream.destroy();
    await until(() => wills(running).length === 2, 'the new will');
    assert.deepEqual(wills(running), ['{"g":1,"k":1}', '{"g":1,"k":2}']);
    first.end(true);
    second.end(true);
  });

  it('of every one of 200 devices survives 200 takeovers at once', async () => {
    await using running = await runBroker();
    const names = Array.from({ length: 200 }, (_, index) => `d${index}`);
    const login = (session: number) => (name: string) =>
      RawClient.login(running.port, {
        clientId: name,
        will: will(`${name}/${session}`, `hb/v1/meter/${name}/will`),
      });
    const before = await Promise.all(names.map(login(1)));
    for (const device of before)
      await device.subscribe([`hb/v1/meter/${names[before.indexOf(device)]}/ping`]);
    const after = await Promise.all(names.map(login(2)));
    await within(Promise.all(before.map((device) => device.ended)), 'the old connections to end');
    await until(() => wills(running).length === 200, 'the old wills');
    assert.equal(running.broker.counters().clientsConnected, 200);
    for (const device of after) device.destroy();
    await until(() => wills(running).length === 400, 'the new wills');
    assert.deepEqual(wills(running).slice(200).sort(), names.map((name) => `${name}/2`).sort());
    await until(() => running.broker.counters().clientsConnected === 0, 'nobody to be left');
  });

  it('and the registration of a new session survive an old connection that ends in the same moment', async () => {
    await using running = await runBroker();
    const names = Array.from({ length: 100 }, (_, index) => `d${index}`);
    const login = (name: string) => ({ clientId: name, will: will(name, `hb/v1/meter/${name}/will`) });
    const before = await Promise.all(names.map((name) => RawClient.login(running.port, login(name))));
    await Promise.all(before.map((device, index) => device.subscribe([`hb/v1/meter/d${index}/ping`])));
    const after = await Promise.all(names.map(() => RawClient.open(running.port)));
    await until(() => running.broker.counters().connectionsOpen === 200, 'the new sockets to be in');
    for (const [index, name] of names.entries()) {
      after[index]?.connect(login(name));
      before[index]?.destroy();
    }
    await Promise.all(after.map((device) => device.next('connack')));
    await until(() => wills(running).length === 100, 'the old wills');
    assert.equal(running.broker.counters().clientsConnected, 100);
    for (const device of after) device.destroy();
    await until(() => wills(running).length === 200, 'the new wills');
    await until(() => running.broker.counters().clientsConnected === 0, 'nobody to be left');
  });

  it('comes after the beats that were received before the connection broke, however slow the detector', async () => {
    const taken: string[] = [];
    await using running = await runBroker({
      limits: { pendingTapsPerClientMax: 1 },
      tap: async ({ topic }) => {
        await new Promise((resolve) => setImmediate(resolve));
        taken.push(topic.split('/').at(-1) ?? '');
      },
    });
    const device = await RawClient.login(running.port, { clientId: 'd1', will: will('w') });
    for (const messageId of [1, 2, 3]) device.publish('hb/v1/meter/d1/beat', '{}', { qos: 1, messageId });
    device.socket.end();
    await until(() => taken.length === 4, 'three beats and the will');
    assert.deepEqual(taken, ['beat', 'beat', 'beat', 'will']);
  });
});

describe('a will is refused at CONNECT with code 5', () => {
  for (const [what, topic] of [
    ['a wildcard', 'hb/v1/meter/+/will'],
    ['everything', '#'],
    ['$SYS', '$SYS/x'],
    ['a beat', 'hb/v1/meter/d1/beat'],
    ['a verdict', 'hb/v1/meter/d1/state'],
    ['a topic outside the scheme', 'home/kitchen'],
    ['101 levels', `hb/v1/meter/d1/will${'/x'.repeat(101)}`],
  ] as const) {
    it(`when it is for ${what}`, async () => {
      await using running = await runBroker();
      const client = await RawClient.login(running.port, { clientId: 'd1', will: will('w', topic) });
      assert.equal(client.returnCode, 5);
      await within(client.ended, 'the connection to be closed');
      const { refused } = running.broker.counters();
      assert.equal(refused['will-refused'] + refused['topic-too-long'], 1);
      assert.deepEqual(running.tapped, []);
    });
  }

  it('when its topic has more levels than a message may have, where any topic is carried', async () => {
    await using running = await runBroker({ topics: 'any', limits: { topicLevelsMax: 4 } });
    const login = (topic: string) =>
      RawClient.login(running.port, { clientId: 'd1', will: will('w', topic) });
    assert.equal((await login('a/b/c/d')).returnCode, 0);
    assert.equal((await login('a/b/c/d/e')).returnCode, 5);
    assert.equal(running.broker.counters().refused['topic-too-long'], 1);
  });

  it('when its payload is too large', async () => {
    await using running = await runBroker();
    const client = await RawClient.login(running.port, { clientId: 'd1', will: will('w'.repeat(5_000)) });
    assert.equal(client.returnCode, 5);
    assert.equal(running.broker.counters().refused['payload-too-large'], 1);
  });
});

describe('closing the broker', () => {
  it('publishes none of 200 wills, and takes seconds at most', async () => {
    await using running = await runBroker();
    const devices = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        RawClient.login(running.port, {
          clientId: `d${index}`,
          will: will('w', `hb/v1/meter/d${index}/will`),
        }),
      ),
    );
    await within(running.broker.close(), 'the broker to close');
    await within(Promise.all(devices.map((device) => device.ended)), 'every connection to end');
    assert.deepEqual(wills(running), []);
    assert.equal(running.broker.counters().willsTaken, 0);
  });

  it('waits for the messages being taken in and acknowledges them', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using running = await runBroker({ tap: () => held });
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    const acknowledged = device.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 1);
    await until(() => running.broker.counters().tapsPending === 1, 'the message to be on its way');
    const closing = running.broker.close();
    release();
    await acknowledged;
    await within(closing, 'the broker to close');
  });

  it('ends in time although the detector hangs and half-open sockets hold on', async () => {
    await using running = await runBroker({
      limits: { closeTimeoutMs: 200 },
      tap: () => new Promise(() => {}),
    });
    await RawClient.open(running.port);
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    device.publish('hb/v1/meter/d1/beat', '{}', { qos: 1, messageId: 1 });
    await until(() => running.broker.counters().tapsPending === 1, 'the message to be on its way');
    await within(running.broker.close(), 'the broker to close', 2_000);
    await within(device.ended, 'the connection to end');
    assert.equal(device.received.length, 0, 'no PUBACK for what was not taken in');
  });
});
