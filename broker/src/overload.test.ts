import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until, within } from '@slowbeat/test-servers';
import mqtt from 'mqtt-packet';
import { RawClient } from './test-support/raw-client.ts';
import { runBroker } from './test-support/running-broker.ts';

/** A tap that takes the processor for so long with each message: what makes any machine a slow one. */
const costly = (ms: number) => (): void => {
  for (const end = performance.now() + ms; performance.now() < end; );
};

const beats = (device: string, count: number, qos: 0 | 1): Buffer =>
  Buffer.concat(
    Array.from({ length: count }, (_, index) =>
      mqtt.generate({
        cmd: 'publish',
        topic: `hb/v1/meter/${device}/beat`,
        payload: String(index),
        qos,
        messageId: index + 1,
        dup: false,
        retain: false,
      }),
    ),
  );

const GREEDY = 20;
const EACH = 100;

async function greedyCrowd(port: number): Promise<RawClient[]> {
  return Promise.all(
    Array.from({ length: GREEDY }, (_, index) => RawClient.login(port, { clientId: `greedy${index}` })),
  );
}

describe('when more comes than can be taken', () => {
  it('a device that says one thing does not wait for what others have sent', async () => {
    await using running = await runBroker({ tap: costly(1) });
    const crowd = await greedyCrowd(running.port);
    const good = await RawClient.login(running.port, { clientId: 'good' });
    for (const [index, client] of crowd.entries()) client.socket.write(beats(`greedy${index}`, EACH, 1));
    await until(() => running.tapped.length >= GREEDY, 'the flood to be under way');
    await good.publishAcknowledged('hb/v1/meter/good/beat', '{}', 1);
    assert.ok(
      running.tapped.length < (GREEDY * EACH) / 2,
      `after ${running.tapped.length} messages of others`,
    );
    await until(() => running.tapped.length === GREEDY * EACH + 1, 'all of QoS 1 to be taken in');
    assert.equal(running.broker.counters().refused['overload-shed'], 0);
  });

  it('a device that connects only now does not wait for it either', async () => {
    await using running = await runBroker({ tap: costly(1) });
    const crowd = await greedyCrowd(running.port);
    for (const [index, client] of crowd.entries()) client.socket.write(beats(`greedy${index}`, EACH, 1));
    await until(() => running.tapped.length >= GREEDY, 'the flood to be under way');
    const late = await RawClient.login(running.port, { clientId: 'late' });
    await late.publishAcknowledged('hb/v1/meter/late/birth', '{}', 1);
    assert.ok(running.tapped.length < GREEDY * EACH, 'all of the flood came first');
  });

  it('all connections move on alike, however much each has sent', async () => {
    await using running = await runBroker({ tap: costly(0.5) });
    const crowd = await greedyCrowd(running.port);
    for (const [index, client] of crowd.entries()) {
      client.socket.write(beats(`greedy${index}`, index < GREEDY / 2 ? 4 * EACH : EACH, 1));
    }
    await until(() => running.tapped.length >= GREEDY * EACH, 'half of the flood');
    const taken = new Map<string, number>();
    for (const { topic } of running.tapped.slice(0, GREEDY * EACH)) {
      taken.set(topic, (taken.get(topic) ?? 0) + 1);
    }
    assert.equal(taken.size, GREEDY);
    assert.ok(Math.min(...taken.values()) > EACH / 2, `some had ${Math.min(...taken.values())}`);
  });

  it('QoS 0 that has waited too long is left out, counted and told, and QoS 1 is not', async () => {
    await using running = await runBroker({ tap: costly(1), limits: { turnWaitMsMax: 50 } });
    const observer = await RawClient.login(running.port, { clientId: 'observer' });
    const crowd = await greedyCrowd(running.port);
    for (const [index, client] of crowd.entries()) {
      client.socket.write(Buffer.concat([beats(`greedy${index}`, EACH, 0), beats(`greedy${index}`, 1, 1)]));
    }
    const counters = () => running.broker.counters();
    await until(
      () => running.tapped.length + counters().refused['overload-shed'] === GREEDY * (EACH + 1),
      'every message to be taken in or left out',
    );
    assert.ok(counters().refused['overload-shed'] > 0);
    for (const client of crowd) await client.next('puback');
    assert.equal(counters().clientsConnected, GREEDY + 1);
    const told = running.log.filter(({ reason }) => reason === 'overload-shed');
    assert.ok(told.length > 0 && told.length <= 10, `${told.length} lines`);
    await observer.subscribe(['$SYS/broker/publish/messages/dropped'], 0);
    const dropped = (await observer.next('publish')) as { payload: Buffer };
    assert.equal(String(dropped.payload), String(counters().refused['overload-shed']));
  });

  it('whoever floods is cut off at its rate, although most of what it says is left out', async () => {
    const limits = { turnWaitMsMax: 20, messagesPerSecondMax: 1, messageBurstMax: 2 * EACH };
    await using running = await runBroker({ tap: costly(1), limits });
    const crowd = await greedyCrowd(running.port);
    const flooder = await RawClient.login(running.port, { clientId: 'flooder' });
    for (const [index, client] of crowd.entries()) client.socket.write(beats(`greedy${index}`, EACH, 0));
    flooder.socket.write(beats('flooder', 4 * EACH, 0));
    await within(flooder.ended, 'the flooder to be cut off');
    const counters = () => running.broker.counters();
    await until(
      () => running.tapped.length + counters().refused['overload-shed'] >= GREEDY * EACH,
      'every message of the others',
    );
    const taken = running.tapped.filter(({ topic }) => topic === 'hb/v1/meter/flooder/beat').length;
    assert.ok(taken < EACH, `${taken} of the flood were taken in`);
    assert.equal(counters().refused['rate-limit'], 1);
    assert.equal(counters().clientsConnected, GREEDY);
  });

  it('what a device said before it left is taken in, its goodbye too', async () => {
    await using running = await runBroker({ tap: costly(1), limits: { turnWaitMsMax: 600_000 } });
    const crowd = await greedyCrowd(running.port);
    const leaving = await RawClient.login(running.port, {
      clientId: 'leaving',
      will: { topic: 'hb/v1/meter/leaving/will', payload: Buffer.from('{}'), qos: 1, retain: false },
    });
    for (const [index, client] of crowd.entries()) client.socket.write(beats(`greedy${index}`, EACH, 1));
    leaving.socket.end(Buffer.concat([beats('leaving', 30, 0), mqtt.generate({ cmd: 'disconnect' })]));
    await until(() => running.broker.counters().clientsConnected === GREEDY, 'it to be gone');
    const said = running.tapped.filter(({ topic }) => topic.startsWith('hb/v1/meter/leaving/'));
    assert.deepEqual(
      said.map(({ payload }) => payload),
      Array.from({ length: 30 }, (_, index) => String(index)),
    );
  });
});

describe('a crowd whose sockets are destroyed at once', () => {
  it('has every will in the session of the detector, and a device is served meanwhile', async () => {
    const CROWD = 500;
    await using running = await runBroker();
    const detector = await RawClient.login(running.port, { clientId: 'detector', clean: false });
    detector.polite = true;
    await detector.subscribe(['hb/v1/+/+/will']);
    const good = await RawClient.login(running.port, { clientId: 'good' });
    const crowd: RawClient[] = [];
    for (let index = 0; index < CROWD; index += 1) {
      const clientId = `d${index}`;
      const topic = `hb/v1/meter/${clientId}/will`;
      const will = { topic, payload: Buffer.from('{}'), qos: 1, retain: false } as const;
      crowd.push(await RawClient.login(running.port, { clientId, will }));
    }
    for (const client of crowd) client.destroy();
    await good.publishAcknowledged('hb/v1/meter/good/beat', '{}', 1);
    await within(
      until(() => detector.received.length === CROWD, 'every will'),
      'the crowd',
    );
    const topics = new Set(detector.received.map((packet) => (packet as { topic: string }).topic));
    assert.equal(topics.size, CROWD);
    assert.equal(running.broker.counters().clientsConnected, 2);
  });
});
