import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until, within } from '@slowbeat/test-servers';
import mqtt from 'mqtt';
import { RawClient } from './test-support/raw-client.ts';
import { type RunningBroker, runBroker } from './test-support/running-broker.ts';
import { scratch } from './test-support/scratch.ts';

function device(running: RunningBroker, name: string): Promise<RawClient> {
  const will = {
    topic: `hb/v1/meter/${name}/will`,
    payload: Buffer.from('w'),
    qos: 1 as const,
    retain: false,
  };
  return RawClient.login(running.port, { clientId: name, will });
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `d${index}`);
}

function wills({ tapped }: RunningBroker): string[] {
  return tapped.filter(({ topic }) => topic.endsWith('/will')).map(({ topic }) => topic);
}

describe('a broker that drains', () => {
  it('ends connections in turn, serves those that are left, and publishes no will of those it ends', async () => {
    await using running = await runBroker({ limits: { shutdownDisconnectsPerSecond: 100 } });
    const devices = await Promise.all(names(30).map((name) => device(running, name)));
    const order: number[] = [];
    for (const [index, { ended }] of devices.entries()) ended.then(() => order.push(index));
    const draining = running.broker.drain();
    await until(() => order.length > 0, 'the first to go');
    const last = order.includes(29) ? 0 : 29;
    assert.ok(order.length < 30, 'not all at once');
    await devices[last]?.publishAcknowledged(`hb/v1/meter/d${last}/beat`, '{}', 1);
    await within(draining, 'everybody to go');
    assert.equal(running.broker.counters().clientsConnected, 0);
    await until(() => order.length === 30, 'every connection to end');
    assert.deepEqual(wills(running), []);
  });

  it('publishes the will of a device that breaks off by itself meanwhile', async () => {
    await using running = await runBroker({ limits: { shutdownDisconnectsPerSecond: 10 } });
    const devices = await Promise.all(names(10).map((name) => device(running, name)));
    let gone = 0;
    for (const { ended } of devices) ended.then(() => (gone += 1));
    const draining = running.broker.drain();
    await until(() => gone === 1, 'the first to go');
    devices[9]?.destroy();
    await until(() => wills(running).length === 1, 'its will');
    await within(draining, 'everybody to go');
    assert.deepEqual(wills(running), ['hb/v1/meter/d9/will']);
  });

  it('takes no new connection, turns away who has not logged in, and says why', async () => {
    await using running = await runBroker({ limits: { shutdownDisconnectsPerSecond: 10 } });
    assert.equal(running.broker.problem, undefined);
    await Promise.all(names(5).map((name) => device(running, name)));
    const undecided = await RawClient.open(running.port);
    await until(() => running.broker.counters().connectionsOpen === 6, 'the silent socket to be in');
    const draining = running.broker.drain();
    assert.match(running.broker.problem ?? '', /being shut down/);
    await within(undecided.ended, 'the silent socket to end');
    await assert.rejects(mqtt.connectAsync(running.url, { reconnectPeriod: 0 }), { code: 'ECONNREFUSED' });
    await within(draining, 'everybody to go');
    await running.broker.close();
    assert.match(running.broker.problem ?? '', /closed/);
  });

  it('lets a message that is being taken in be acknowledged before it ends its connection', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using running = await runBroker({
      tap: ({ topic }) => (topic.endsWith('d0/beat') ? held : undefined),
      limits: { shutdownDisconnectsPerSecond: 10 },
    });
    const devices = await Promise.all(names(10).map((name) => device(running, name)));
    let gone = 0;
    for (const { ended } of devices) ended.then(() => (gone += 1));
    const acknowledged = devices[0]?.publishAcknowledged('hb/v1/meter/d0/beat', '{}', 1);
    await until(() => running.broker.counters().tapsPending === 1, 'the message to be on its way');
    const draining = running.broker.drain();
    await until(() => gone >= 2, 'others to go');
    release();
    await acknowledged;
    await within(draining, 'everybody to go');
  });

  it('waits for the acknowledgement of a single device, which is told nothing else', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using running = await runBroker({ tap: () => held });
    const only = await device(running, 'd1');
    const acknowledged = only.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 1);
    await until(() => running.broker.counters().tapsPending === 1, 'the message to be on its way');
    const draining = running.broker.drain();
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    release();
    await acknowledged;
    await within(draining, 'it to go');
  });

  it('acknowledges every beat that was sent before the farewell, though each has to reach the disk', async () => {
    await using data = await scratch();
    await using running = await runBroker(data);
    const detector = await RawClient.login(running.port, { clientId: 'detector', clean: false });
    await detector.subscribe(['hb/v1/+/+/beat']);
    detector.destroy();
    const devices = await Promise.all(names(50).map((name) => device(running, name)));
    const settling = Promise.allSettled(
      devices.map((one, index) => one.publishAcknowledged(`hb/v1/meter/d${index}/beat`, '{}', 1)),
    );
    await until(() => running.tapped.length > 0, 'the beats to come in');
    await running.broker.drain();
    const acknowledged = (await settling).filter(({ status }) => status === 'fulfilled').length;
    assert.equal(acknowledged, running.tapped.length);
  });

  it('ends who listens last, so that it hears what is said until then', async () => {
    await using running = await runBroker({ limits: { shutdownDisconnectsPerSecond: 20 } });
    const detector = await RawClient.login(running.port, { clientId: 'detector' });
    await detector.subscribe(['hb/v1/#']);
    const devices = await Promise.all(names(10).map((name) => device(running, name)));
    let gone = 0;
    for (const { ended } of devices) ended.then(() => (gone += 1));
    const draining = running.broker.drain();
    await until(() => gone === 5, 'half of them to go');
    await devices[9]?.publishAcknowledged('hb/v1/meter/d9/beat', 'late', 1);
    await detector.next('publish');
    await detector.ended;
    assert.equal(gone, 10);
    await within(draining, 'everybody to go');
  });

  it('ends WebSockets as well, with a closing frame and without a will', async () => {
    await using running = await runBroker({ ws: { port: 0 } });
    const { url = '' } = running.broker.endpoints.find(({ kind }) => kind === 'ws') ?? {};
    const will = { topic: 'hb/v1/meter/d1/will', payload: Buffer.from('w'), qos: 1 as const, retain: false };
    const client = await mqtt.connectAsync(url, { reconnectPeriod: 0, will });
    const errors: Error[] = [];
    client.on('error', (error) => errors.push(error));
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    await running.broker.drain();
    await within(closed, 'its connection to end');
    await running.broker.close();
    assert.deepEqual([errors, wills(running)], [[], []]);
  });

  it('needs seconds at most although clients neither answer nor close', async () => {
    await using running = await runBroker({ limits: { shutdownSpreadMsMax: 0 } });
    const stuck = await device(running, 'd1');
    stuck.socket.pause();
    await within(running.broker.drain(), 'the farewell');
    await within(running.broker.close(), 'the broker to close');
    assert.deepEqual(wills(running), []);
    stuck.destroy();
  });

  it('has MQTT.js publish again elsewhere what was not acknowledged', async () => {
    await using running = await runBroker({
      tap: () => new Promise(() => {}),
      limits: { closeTimeoutMs: 200 },
    });
    await using next = await runBroker();
    const client = mqtt.connect({
      reconnectPeriod: 50,
      servers: [
        { host: '127.0.0.1', port: running.port },
        { host: '127.0.0.1', port: next.port },
      ],
    });
    const published = client.publishAsync('hb/v1/meter/d1/beat', 'kept', { qos: 1 });
    await until(() => running.broker.counters().tapsPending === 1, 'the beat to be on its way');
    await running.broker.drain();
    await running.broker.close();
    await within(published, 'the acknowledgement of another broker');
    assert.deepEqual(next.tapped, [{ topic: 'hb/v1/meter/d1/beat', payload: 'kept' }]);
    await client.endAsync();
  });
});
