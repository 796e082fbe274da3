import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { freePort, Mosquitto, needsMosquitto, until } from '@slowbeat/test-servers';
import { connectAsync, type MqttClient } from 'mqtt';
import { pino } from 'pino';
import type { InboundMessage } from '../inbound.ts';
import { MqttIngest, type MqttIngestOptions } from './mqtt-ingest.ts';

describe('the MQTT ingest at mosquitto', needsMosquitto, () => {
  let broker: Mosquitto;
  let device: MqttClient;
  let ingests: MqttIngest[] = [];
  const heard: string[] = [];
  const links: string[] = [];
  const logged: { msg: string; nextTryInMs?: number; url?: string }[] = [];

  function ingest(overrides: Partial<MqttIngestOptions> = {}): MqttIngest {
    const started = new MqttIngest({
      url: broker.url,
      clientId: 'slowbeat-test',
      root: 'hb/v1',
      handle: async ({ topic, payload, retained }: InboundMessage) => {
        heard.push(`${topic} ${Buffer.from(payload)}${retained ? ' retained' : ''}`);
      },
      onLink: (up, knowsSession) => links.push(`${up ? 'up' : 'down'}${knowsSession ? ' known' : ''}`),
      logger: pino({ level: 'info' }, { write: (line) => logged.push(JSON.parse(line)) }),
      reconnectMinMs: 20,
      reconnectMaxMs: 100,
      ...overrides,
    });
    ingests.push(started);
    started.start();
    return started;
  }

  const connectDevice = async (): Promise<void> => {
    device = await connectAsync(broker.url, { reconnectPeriod: 0, protocolVersion: 4 });
  };

  beforeEach(async () => {
    broker = await Mosquitto.start();
    await connectDevice();
    for (const list of [heard, links, logged]) list.length = 0;
    ingests = [];
  });
  afterEach(async () => {
    await Promise.all(ingests.map((one) => one.stop()));
    await device.endAsync(true);
    await broker[Symbol.asyncDispose]();
  });

  it('hears every kind a device publishes, and no verdicts', async () => {
    const subscriber = ingest();
    await until(() => subscriber.isUp, 'the link is up');
    for (const kind of ['birth', 'beat', 'will', 'bye', 'pong', 'ping', 'state']) {
      await device.publishAsync(`hb/v1/meter/m-1/${kind}`, kind, { qos: 1 });
    }
    await until(() => heard.length >= 5, 'five messages');
    assert.deepEqual(
      heard,
      ['birth', 'beat', 'will', 'bye', 'pong'].map((kind) => `hb/v1/meter/m-1/${kind} ${kind}`),
    );
    assert.deepEqual(links, ['up']);
  });

  it('finds on its return what was published while it was away', async () => {
    const first = ingest();
    await until(() => first.isUp, 'the link is up');
    await first.stop();
    assert.deepEqual(links, ['up', 'down']);
    await device.publishAsync('hb/v1/meter/m-1/beat', 'meanwhile', { qos: 1 });
    ingest();
    await until(() => heard.length > 0 && links.length === 3, 'the kept message');
    assert.deepEqual([heard, links[2]], [['hb/v1/meter/m-1/beat meanwhile'], 'up known']);
  });

  it('hears from the first message on that waited for it', async () => {
    const first = ingest();
    await until(() => first.isUp, 'the link is up');
    await first.stop();
    await device.publishAsync('hb/v1/meter/m-1/will', 'meanwhile', { qos: 1 });
    const before: string[][] = [];
    ingest({ handle: async () => void before.push([...links]) });
    await until(() => before.length > 0, 'the kept message');
    assert.deepEqual(before, [['up', 'down', 'up known']]);
  });

  it('asks several brokers in turn, and says why each is no use while none is', async () => {
    const [gone, other] = ['mqtt://127.0.0.1:1', `mqtt://127.0.0.1:${await freePort()}`];
    const subscriber = ingest({ url: `${gone},${broker.url}` });
    await until(() => subscriber.isUp, 'the link is up');
    await subscriber.stop();
    const hopeless = ingest({ url: `${gone}, ${other}` });
    const both = new RegExp(`^${gone}: .*ECONNREFUSED.*; ${other}: .*ECONNREFUSED`);
    await until(() => both.test(hopeless.problem ?? ''), 'both reasons');
  });

  it('acknowledges only what was taken in: the rest comes again', async () => {
    const stuck = ingest({ handle: () => new Promise(() => {}) });
    await until(() => stuck.isUp, 'the link is up');
    await device.publishAsync('hb/v1/meter/m-1/beat', 'precious', { qos: 1 });
    await stuck.stop();
    ingest();
    await until(() => heard.length > 0, 'the message comes again');
    assert.deepEqual(heard, ['hb/v1/meter/m-1/beat precious']);
  });

  it('keeps trying while the broker is away, says where and when next, and comes back by itself', async () => {
    const subscriber = ingest();
    await until(() => subscriber.isUp, 'the link is up');
    await device.endAsync(true);
    await broker.stop();
    await until(() => links.at(-1) === 'down', 'the link is down');
    await assert.rejects(subscriber.publish('hb/v1/meter/m-1/state', Buffer.from('{}')), /not connected/);
    const failed = (): boolean => logged.filter(({ msg }) => msg === 'cannot reach the broker').length >= 3;
    await until(failed, 'three attempts');
    const line = logged.find(({ msg }) => msg === 'cannot reach the broker');
    assert.equal(line?.url, broker.url);
    assert.ok((line?.nextTryInMs ?? 0) > 0);
    assert.match(subscriber.problem ?? '', /ECONNREFUSED/);
    await broker.run();
    await connectDevice();
    await until(() => subscriber.isUp, 'the link is up again');
    await device.publishAsync('hb/v1/meter/m-1/beat', 'again', { qos: 1 });
    await until(() => heard.length > 0, 'a message');
  });

  it('publishes verdicts retained, so that whoever subscribes later knows them', async () => {
    const publisher = ingest();
    await until(() => publisher.isUp, 'the link is up');
    await publisher.publish('hb/v1/meter/m-1/state', Buffer.from('dead'));
    const seen: string[] = [];
    device.on('message', (topic, payload, { retain }) => seen.push(`${topic} ${payload} ${retain}`));
    await device.subscribeAsync('hb/v1/+/+/state', { qos: 1 });
    await until(() => seen.length > 0, 'the retained verdict');
    assert.deepEqual(seen, ['hb/v1/meter/m-1/state dead true']);
  });

  it('suspects a second client of the same name when the connection keeps being taken over', async () => {
    ingest();
    ingest();
    const suspects = (): boolean =>
      logged.some(({ msg }) => /another client use the same client id/.test(msg));
    await until(suspects, 'the suspicion');
  });
});
