/**
 * What Eclipse Paho's conformance suite for MQTT 3.1.1 (paho.mqtt.testing, interoperability/client_test.py) expects of
 * a broker, test by test with its topics and client ids, on a broker that carries any topic.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { until, within } from '@slowbeat/test-servers';
import type { IConnackPacket, IConnectPacket, IPublishPacket } from 'mqtt-packet';
import { RawClient } from './test-support/raw-client.ts';
import { type RunningBroker, runBroker } from './test-support/running-broker.ts';

const A = 'TopicA';
const A_B = 'TopicA/B';
const C = 'Topic/C';
const A_C = 'TopicA/C';
const SLASH_A = '/TopicA';

describe('MQTT 3.1.1, as Paho tests it', () => {
  let running: RunningBroker;
  let messageId = 0;

  before(async () => {
    running = await runBroker({ topics: 'any' });
  });
  after(() => running.broker.close());

  /** Forgets both clients' sessions and every retained message. */
  beforeEach(async () => {
    for (const clientId of ['myclientid', 'myclientid2']) await leave(await enter(clientId));
    const cleaner = await enter('clean retained');
    await cleaner.subscribe(['#'], 0);
    await settled(cleaner);
    for (const { topic, retain } of publishes(cleaner)) if (retain) cleaner.publish(topic, '', { retain });
    await settled(cleaner);
    await leave(cleaner);
  });

  async function enter(
    clientId: string,
    more: Partial<IConnectPacket> & { session?: boolean } = {},
  ): Promise<RawClient> {
    const { session, ...connect } = more;
    const client = await RawClient.open(running.port);
    client.polite = true;
    client.connect({ clientId, keepalive: 0, ...connect });
    const connack = (await client.next('connack')) as IConnackPacket;
    assert.equal(connack.returnCode, 0);
    if (session !== undefined) assert.equal(connack.sessionPresent, session);
    return client;
  }

  async function leave(client: RawClient): Promise<void> {
    client.send({ cmd: 'disconnect' });
    await within(client.ended, 'the connection to end');
  }

  /** Sends and completes the exchange of its QoS. */
  async function publish(
    client: RawClient,
    topic: string,
    payload: string,
    qos: 0 | 1 | 2,
    retain = false,
  ): Promise<void> {
    messageId += 1;
    client.publish(topic, payload, { qos, retain, ...(qos > 0 ? { messageId } : {}) });
    if (qos > 0) await client.next(qos === 1 ? 'puback' : 'pubcomp');
  }

  /** Everything the broker had to say to this client by now has been said. */
  async function settled(client: RawClient): Promise<void> {
    for (let round = 0; round < 3; round++) {
      client.send({ cmd: 'pingreq' });
      await client.next('pingresp');
    }
  }

  function publishes(client: RawClient): IPublishPacket[] {
    return client.received.filter((packet): packet is IPublishPacket => packet.cmd === 'publish');
  }

  it('testBasic: three qualities of service; a second CONNECT and a wrong protocol name end it', async () => {
    await leave(await enter('myclientid'));
    const client = await enter('myclientid', { session: false });
    await client.subscribe([A], 2);
    await publish(client, A, 'qos 0', 0);
    await publish(client, A, 'qos 1', 1);
    await publish(client, A, 'qos 2', 2);
    await until(() => publishes(client).length === 3, 'three messages');
    await leave(client);
    const twice = await enter('myclientid');
    twice.connect({ clientId: 'myclientid' });
    await within(twice.ended, 'the second CONNECT to end it');
    const wrong = await RawClient.open(running.port);
    wrong.socket.write(Buffer.from([0x10, 14, 0, 2, 0x68, 0x6a, 4, 2, 0, 0, 0, 4, 0x61, 0x62, 0x63, 0x64]));
    await within(wrong.ended, 'the wrong protocol name to end it');
    assert.equal(wrong.received.length, 0);
  });

  it('test_retained_messages: come on subscribing, and are removed by empty ones', async () => {
    const client = await enter('myclientid', { session: false });
    for (const [topic, qos] of [
      [A_B, 0],
      [C, 1],
      [A_C, 2],
    ] as const)
      await publish(client, topic, `qos ${qos}`, qos, true);
    await client.subscribe(['+/+'], 2);
    await until(() => publishes(client).length === 3, 'three retained messages');
    assert.ok(publishes(client).every(({ retain }) => retain));
    await leave(client);
    const again = await enter('myclientid', { session: false });
    for (const [topic, qos] of [
      [A_B, 0],
      [C, 1],
      [A_C, 2],
    ] as const)
      await publish(again, topic, '', qos, true);
    await again.subscribe(['+/+'], 2);
    await settled(again);
    assert.equal(publishes(again).length, 0);
    await leave(again);
  });

  it('test_offline_message_queueing: finds QoS 1 and 2 after an absence', async () => {
    const subscriber = await enter('myclientid', { clean: false });
    await subscriber.subscribe(['+/+'], 2);
    await leave(subscriber);
    const publisher = await enter('myclientid2', { session: false });
    await publish(publisher, A_B, 'qos 0', 0);
    await publish(publisher, C, 'qos 1', 1);
    await publish(publisher, A_C, 'qos 2', 2);
    await leave(publisher);
    const back = await enter('myclientid', { clean: false, session: true });
    await until(() => publishes(back).length === 2, 'the queued messages');
    await settled(back);
    assert.deepEqual(
      publishes(back).map(({ qos }) => qos),
      [1, 2],
    );
    await leave(back);
  });

  it('will_message_test: a connection that breaks leaves its will', async () => {
    const will = {
      topic: C,
      payload: Buffer.from('client not disconnected'),
      qos: 2 as const,
      retain: false,
    };
    const mortal = await enter('myclientid', { keepalive: 2, will });
    const heir = await enter('myclientid2', { clean: false });
    await heir.subscribe([C], 2);
    mortal.destroy();
    await until(() => publishes(heir).length === 1, 'the will');
    await settled(heir);
    assert.equal(publishes(heir).length, 1);
    await leave(heir);
  });

  it('test_overlapping_subscriptions: one message at the highest QoS, or one for each', async () => {
    const client = await enter('myclientid');
    client.send({
      cmd: 'subscribe',
      messageId: 9,
      subscriptions: [
        { topic: 'TopicA/#', qos: 2 },
        { topic: 'TopicA/+', qos: 1 },
      ],
    });
    await client.next('suback');
    await publish(client, A_C, 'overlapping topic filters', 2);
    await settled(client);
    const levels = publishes(client).map(({ qos }) => qos);
    assert.ok(levels.length === 1 ? levels[0] === 2 : levels.length === 2, `QoS ${levels}`);
    await leave(client);
  });

  it('test_keepalive: a silent client is let go, with its will', async () => {
    const will = { topic: SLASH_A, payload: Buffer.from('keepalive expiry'), qos: 2 as const, retain: false };
    const heir = await enter('myclientid2');
    await heir.subscribe([SLASH_A], 2);
    await enter('myclientid', { keepalive: 1, will });
    await until(() => publishes(heir).length === 1, 'the will of the silent client');
    await leave(heir);
  });

  it('test_redelivery_on_reconnect: what was not acknowledged comes again, once', async () => {
    const first = await enter('myclientid2', { clean: false });
    await first.subscribe(['TopicA/#'], 2);
    first.polite = false;
    first.publish(A_B, '', { qos: 1, messageId: 5 });
    first.publish(A_C, '', { qos: 2, messageId: 6 });
    await first.next('puback');
    await first.next('pubrec');
    await until(() => publishes(first).length === 2, 'both messages, unacknowledged');
    await leave(first);
    const again = await enter('myclientid2', { clean: false, session: true });
    await until(() => publishes(again).length === 2, 'both messages again');
    await settled(again);
    assert.equal(publishes(again).length, 2);
    await leave(again);
  });

  it('test_zero_length_clientid: is refused without a clean session, and given a name with one', async () => {
    const refused = await RawClient.open(running.port);
    refused.socket.write(Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0, 0, 0, 0, 0]));
    assert.equal(((await refused.next('connack')) as IConnackPacket).returnCode, 2);
    await within(refused.ended, 'the connection to end');
    await leave(await enter(''));
  });

  it('test_subscribe_failure: answers with 0x80', async () => {
    const client = await enter('myclientid');
    assert.deepEqual(await client.subscribe(['test/nosubscribe'], 2), [0x80]);
    await leave(client);
  });

  it('test_dollar_topics: are not matched by a leading wildcard, and do no harm', async () => {
    const client = await enter('myclientid2');
    await client.subscribe(['+/+'], 2);
    await publish(client, `$${A_B}`, '', 1);
    await settled(client);
    assert.equal(publishes(client).length, 0);
    await leave(client);
  });

  it('test_unsubscribe: ends one subscription and no other', async () => {
    const subscriber = await enter('myclientid2');
    for (const topic of [A, A_B, C]) await subscriber.subscribe([topic], 2);
    subscriber.send({ cmd: 'unsubscribe', messageId: 8, unsubscriptions: [A] });
    await subscriber.next('unsuback');
    const publisher = await enter('myclientid');
    for (const topic of [A, A_B, C]) await publish(publisher, topic, '', 1);
    await until(() => publishes(subscriber).length >= 2, 'the two messages');
    await settled(subscriber);
    assert.equal(publishes(subscriber).length, 2);
    await Promise.all([leave(subscriber), leave(publisher)]);
  });
});
