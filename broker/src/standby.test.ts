/** A second broker that waits for the first to end, with a real Redis server and real processes to kill, stop and resume. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { needsRedis, RedisServer, until, within } from '@slowbeat/test-servers';
import type { IPublishPacket } from 'mqtt-packet';
import { BEATS, backAgain, DETECTOR, payloads } from './test-support/detector-client.ts';
import { KillableBroker } from './test-support/killable-broker.ts';
import { RawClient } from './test-support/raw-client.ts';
import { type RunningBroker, runBroker } from './test-support/running-broker.ts';

const QUICK = { orphanGraceS: 1 };
const WAITS = /^standby: process \d+ on \S+ has the lease of "slowbeat"$/;

function standby(server: RedisServer): Promise<RunningBroker> {
  return runBroker({ redis: { url: server.url, standby: true }, limits: QUICK });
}

function active(server: RedisServer): Promise<KillableBroker> {
  return KillableBroker.start({ redis: { url: server.url }, limits: QUICK });
}

function device(port: number, name: string, keepalive = 3): Promise<RawClient> {
  const will = {
    topic: `hb/v1/meter/${name}/will`,
    payload: Buffer.from(name),
    qos: 1,
    retain: false,
  } as const;
  return RawClient.login(port, { clientId: name, keepalive, will });
}

function wills({ tapped }: RunningBroker): string[] {
  return tapped.filter(({ topic }) => topic.endsWith('/will')).map(({ payload }) => payload);
}

/** A port on which nothing but this listens. */
async function takenPort(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  return { port, [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

describe('a standby', needsRedis, () => {
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    it(`listens nowhere until the other one has ended, then has all that was there (${signal})`, async () => {
      await using server = await RedisServer.start();
      await using first = await active(server);
      const detector = await RawClient.login(first.port, DETECTOR);
      await detector.subscribe([BEATS]);
      detector.publish('hb/v1/meter/d1/state', 'alive', { qos: 1, messageId: 1, retain: true });
      await detector.next('puback');
      detector.destroy();
      await using second = await standby(server);
      assert.deepEqual(second.broker.endpoints, []);
      assert.match(second.broker.problem ?? '', WAITS);
      const back = await device(first.port, 'back');
      await device(first.port, 'dead');
      for (const messageId of [1, 2, 3]) {
        await back.publishAcknowledged('hb/v1/meter/back/beat', String(messageId), messageId);
      }
      await first.end(signal);
      await within(second.broker.serving, 'the standby to take over');
      assert.equal(second.broker.problem, undefined);
      await device(second.port, 'back', 60);
      const { detector: again, sessionPresent } = await backAgain(second.port);
      assert.ok(sessionPresent);
      await until(() => payloads(again).length === 3, 'the beats of its absence');
      assert.deepEqual(payloads(again), ['1', '2', '3']);
      const observer = await RawClient.login(second.port, { clientId: 'observer' });
      await observer.subscribe(['hb/v1/+/+/state']);
      assert.equal(String(((await observer.next('publish')) as IPublishPacket).payload), 'alive');
      await until(() => second.broker.counters().orphans === 0, 'nobody to be awaited any more');
      assert.deepEqual(wills(second), ['dead']);
    });
  }

  it('ends at once when it is closed while it waits', async () => {
    await using server = await RedisServer.start();
    await using _first = await active(server);
    const second = await standby(server);
    await second.broker.drain();
    await second.broker.close();
    await assert.rejects(second.broker.serving, { code: 'closed' });
  });

  it('that cannot listen when its time has come says so, and gives the lease back', async () => {
    await using server = await RedisServer.start();
    await using first = await active(server);
    await using taken = await takenPort();
    const redis = { url: server.url, standby: true };
    await using second = await runBroker({ redis, tcp: { port: taken.port } });
    await using third = await standby(server);
    await first.end('SIGTERM');
    const { code } = await within(
      Promise.race([second.broker.failed, third.broker.serving.then(() => ({ code: 'served' }))]),
      'one of both',
    );
    if (code === 'served') {
      await third.broker.close(); // then it is the turn of the other one
      assert.equal((await within(second.broker.failed, 'its failure')).code, 'address-in-use');
    } else {
      assert.equal(code, 'address-in-use');
      await within(third.broker.serving, 'the next one to take over');
    }
  });

  it('leaves the first word to the one before when Redis was away, or comes back empty', async () => {
    await using server = await RedisServer.start();
    await using first = await active(server);
    const absent = await RawClient.login(first.port, DETECTOR);
    await absent.subscribe([BEATS]);
    absent.destroy();
    await using second = await standby(server);
    await server.stop('SIGKILL');
    await until(() => told(second, /Redis cannot be asked/) === 1, 'the standby to notice');
    await server.forget();
    await server.run();
    await until(() => told(second, /Redis answers again/) === 1, 'the standby to find it again');
    await until(
      async () => (await server.command('GET', 'slowbeat:lease')).length > 0,
      'the first one to have it again',
    );
    const sender = await RawClient.login(first.port, { clientId: 'd1' });
    await until(
      () =>
        sender.publishAcknowledged('hb/v1/meter/d1/beat', 'after', 1).then(
          () => true,
          () => false,
        ),
      'a beat to be acknowledged',
    );
    assert.match(second.broker.problem ?? '', WAITS);
    await first.end('SIGKILL');
    await within(second.broker.serving, 'the standby to take over');
    const { detector } = await backAgain(second.port);
    await until(() => payloads(detector).includes('after'), 'the beat');
  });
});

function told({ log }: RunningBroker, what: RegExp): number {
  return log.filter(({ msg, detail }) => what.test(`${msg} ${detail}`)).length;
}

describe('a broker that another one has succeeded', needsRedis, () => {
  it('acknowledges nothing after a pause, publishes no will, ends its connections and fails', async () => {
    await using server = await RedisServer.start();
    await using first = await active(server);
    await using second = await standby(server);
    const observer = await RawClient.login(first.port, { clientId: 'observer' });
    await observer.subscribe(['hb/v1/#']);
    const sender = await device(first.port, 'sender');
    const gone = await device(first.port, 'gone');
    first.pause('SIGSTOP');
    await within(second.broker.serving, 'the standby to take over');
    // Nobody waits for it at the first one; at the second somebody does.
    const detector = await RawClient.login(second.port, DETECTOR);
    await detector.subscribe([BEATS]);
    sender.publish('hb/v1/meter/sender/beat', 'late', { qos: 1, messageId: 9 });
    gone.destroy();
    first.pause('SIGCONT');
    assert.equal(await first.ended(), 1);
    assert.equal(first.failure, 'superseded');
    await within(Promise.all([observer.ended, sender.ended]), 'its connections to end');
    assert.deepEqual([...sender.received, ...observer.received], []);
    assert.equal(second.broker.problem, undefined);
  });

  it('acknowledges nothing although no clock has told it, as after a pause of the whole machine', async () => {
    await using server = await RedisServer.start();
    await using first = await active(server);
    const observer = await RawClient.login(first.port, { clientId: 'observer' });
    await observer.subscribe(['hb/v1/#']);
    const sender = await device(first.port, 'sender');
    await sender.publishAcknowledged('hb/v1/meter/sender/beat', 'before', 1);
    await observer.next('publish');
    await server.command('SET', 'slowbeat:fence', 'elsewhere:1:x');
    await assert.rejects(sender.publishAcknowledged('hb/v1/meter/sender/beat', 'after', 2), /ended before/);
    assert.equal(await first.ended(), 1);
    assert.equal(first.failure, 'superseded');
    await observer.ended;
    assert.deepEqual(observer.received, []);
  });
});

describe('a broker without Redis for longer than its lease', needsRedis, () => {
  it('serves nobody and tells of nobody that it is gone; then it goes on if nobody has taken over', async () => {
    await using server = await RedisServer.start();
    await using first = await active(server);
    const staying = await device(first.port, 'staying');
    const observer = await RawClient.login(first.port, { clientId: 'observer' });
    await observer.subscribe(['hb/v1/#']);
    await device(first.port, 'dead');
    await server.stop('SIGKILL');
    await within(Promise.all([staying.ended, observer.ended]), 'all connections to end');
    assert.deepEqual(observer.received, []);
    const early = await RawClient.open(first.port);
    await within(early.ended, 'nobody to be let in');
    await server.run();
    const login = async (): Promise<RawClient | undefined> => {
      const client = await RawClient.open(first.port);
      client.connect({ clientId: 'listener' });
      return client.next('connack').then(
        () => client,
        () => undefined,
      );
    };
    let listener: RawClient | undefined;
    await until(async () => {
      listener = await login();
      return listener !== undefined;
    }, 'clients to be let in again');
    await listener?.subscribe(['hb/v1/+/+/will']);
    const back = await device(first.port, 'staying', 60);
    await back.publishAcknowledged('hb/v1/meter/staying/beat', '1', 1);
    const will = (await listener?.next('publish', 'the will of who did not come back')) as IPublishPacket;
    assert.equal(String(will.payload), 'dead');
  });
});
