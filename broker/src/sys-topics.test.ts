import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until, within } from '@slowbeat/test-servers';
import type { IPublishPacket } from 'mqtt-packet';
import { SysTopics } from './sys-topics.ts';
import { RawClient } from './test-support/raw-client.ts';
import { runBroker } from './test-support/running-broker.ts';

describe('$SYS/broker', () => {
  it('tells who subscribes what is so now, and keeps none of it', async () => {
    await using running = await runBroker();
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    const absent = await RawClient.login(running.port, { clientId: 'away', clean: false });
    await absent.subscribe(['hb/v1/+/+/beat']);
    absent.destroy();
    await until(() => running.broker.counters().clientsConnected === 1, 'the other to be gone');
    await device.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 1);
    const observer = await RawClient.login(running.port, { clientId: 'observer' });
    await observer.subscribe(['$SYS/broker/#'], 0);
    const heard = (): IPublishPacket[] =>
      observer.received.filter((packet): packet is IPublishPacket => packet.cmd === 'publish');
    await until(() => heard().length === 10, 'ten values');
    const values = Object.fromEntries(heard().map(({ topic, payload }) => [topic, String(payload)]));
    assert.match(values['$SYS/broker/version'] ?? '', /^slowbeat version \d+\.\d+\.\d+$/);
    assert.match(values['$SYS/broker/uptime'] ?? '', /^\d+ seconds$/);
    assert.deepEqual(
      ['connected', 'disconnected', 'total', 'maximum'].map((name) => values[`$SYS/broker/clients/${name}`]),
      ['2', '1', '3', '2'],
    );
    // CONNECT three times, SUBSCRIBE twice, PUBLISH once
    assert.equal(values['$SYS/broker/messages/received'], '6');
    assert.equal(values['$SYS/broker/publish/messages/received'], '1');
    assert.equal(values['$SYS/broker/publish/messages/dropped'], '0');
    assert.equal(values['$SYS/broker/retained messages/count'], '0');
  });

  it('is not among "#"', async () => {
    await using running = await runBroker({ topics: 'any' });
    const observer = await RawClient.login(running.port, { clientId: 'observer' });
    await observer.subscribe(['#'], 0);
    observer.send({ cmd: 'pingreq' });
    await observer.next('pingresp');
    assert.deepEqual(observer.received, []);
  });

  it('cannot be published to', async () => {
    await using running = await runBroker({ topics: 'any' });
    const client = await RawClient.login(running.port, { clientId: 'c' });
    client.publish('$SYS/broker/clients/connected', '1000000', { retain: true });
    await within(client.ended, 'the connection to be closed');
    assert.equal(running.broker.counters().refused['publish-refused'], 1);
  });

  it('publishes only what has changed', () => {
    let clientsConnected = 1;
    const told: string[] = [];
    using sys = new SysTopics({
      read: () => ({
        uptimeMs: 5_999,
        clientsConnected,
        clientsAway: 0,
        packetsReceived: 1,
        publishesReceived: 0,
        publishesDropped: 0,
        retainedMessages: 0,
      }),
      publish: (topic, value) => told.push(`${topic} ${value}`),
    });
    sys.tell();
    assert.equal(told.length, 10);
    clientsConnected = 2;
    told.length = 0;
    sys.tell();
    assert.deepEqual(told, ['$SYS/broker/clients/connected 2', '$SYS/broker/clients/total 2']);
  });
});
