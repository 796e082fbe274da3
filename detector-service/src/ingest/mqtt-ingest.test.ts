import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { connectAsync, type MqttClient } from 'mqtt';
import { pino } from 'pino';
import type { InboundMessage } from '../inbound.ts';
import { eventually } from '../test-support/eventually.ts';
import { Mosquitto, withoutMosquitto } from '../test-support/mosquitto.ts';
import { MqttIngest, type MqttIngestOptions } from './mqtt-ingest.ts';

describe('the MQTT ingest at mosquitto', { skip: withoutMosquitto() }, () => {
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
    await eventually(() => subscriber.isUp, 'the link is up');
    for (const kind of ['birth', 'beat', 'will', 'bye', 'pong', 'ping', 'state']) {
      await device.publishAsync(`hb/v1/meter/m-1/${kind}`, kind, { qos: 1 });
    }
    await eventually(() => heard.length >= 5, 'five messages');
    assert.deepEqual(
      heard,
      ['birth', 'beat', 'will', 'bye', 'pong'].map((kind) => `hb/v1/meter/m-1/${kind} ${kind}`),
    );
    assert.deepEqual(links, ['up']);
  });

  it('finds on its return what was published while it was away', async () => {
    const first = ingest();
    await eventually(() => first.isUp, 'the link is up');
    await first.stop();
    assert.deepEqual(links, ['up', 'down']);
    await device.publishAsync('hb/v1/meter/m-1/beat', 'meanwhile', { qos: 1 });
    ingest();
    await eventually(() => heard.length > 0 && links.length === 3, 'the kept message');
    assert.deepEqual([heard, links[2]], [['hb/v1/meter/m-1/beat meanwhile'], 'up known']);
  });

  it('acknowledges only what was taken in: the rest comes again', async () => {
    const stuck = ingest({ handle: () => new Promise(() => {}) });
    await eventually(() => stuck.isUp, 'the link is up');
    await device.publishAsync('hb/v1/meter/m-1/beat', 'precious', { qos: 1 });
    await stuck.stop();
    ingest();
    await eventually(() => heard.length > 0, 'the message comes again');
    assert.deepEqual(heard, ['hb/v1/meter/m-1/beat precious']);
  });

  it('keeps trying while the broker is away, says where and when next, and comes back by itself', async () => {
    const subscriber = ingest();
    await eventually(() => subscriber.isUp, 'the link is up');
    await device.endAsync(true);
    await broker.stop();
    await eventually(() => links.at(-1) === 'down', 'the link is down');
    await assert.rejects(subscriber.publish('hb/v1/meter/m-1/state', Buffer.from('{}')), /not connected/);
    const failed = (): boolean => logged.filter(({ msg }) => msg === 'cannot reach the broker').length >= 3;
    await eventually(failed, 'three attempts');
    const line = logged.find(({ msg }) => msg === 'cannot reach the broker');
    assert.equal(line?.url, broker.url);
    assert.ok((line?.nextTryInMs ?? 0) > 0);
    assert.match(subscriber.problem ?? '', /ECONNREFUSED/);
    await broker.run();
    await connectDevice();
    await eventually(() => subscriber.isUp, 'the link is up again');
    await device.publishAsync('hb/v1/meter/m-1/beat', 'again', { qos: 1 });
    await eventually(() => heard.length > 0, 'a message');
  });

  it('publishes verdicts retained, so that whoever subscribes later knows them', async () => {
    const publisher = ingest();
    await eventually(() => publisher.isUp, 'the link is up');
    await publisher.publish('hb/v1/meter/m-1/state', Buffer.from('dead'));
    const seen: string[] = [];
    device.on('message', (topic, payload, { retain }) => seen.push(`${topic} ${payload} ${retain}`));
    await device.subscribeAsync('hb/v1/+/+/state', { qos: 1 });
    await eventually(() => seen.length > 0, 'the retained verdict');
    assert.deepEqual(seen, ['hb/v1/meter/m-1/state dead true']);
  });

  it('suspects a second client of the same name when the connection keeps being taken over', async () => {
    ingest();
    ingest();
    const suspects = (): boolean =>
      logged.some(({ msg }) => /another client use the same client id/.test(msg));
    await eventually(suspects, 'the suspicion');
  });
});
