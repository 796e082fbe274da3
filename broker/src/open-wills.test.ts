import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '@slowbeat/test-servers';
import type { Will } from './aedes-seams.ts';
import { RecordFile } from './directory-storage.ts';
import { OpenWills } from './open-wills.ts';
import { KillableBroker } from './test-support/killable-broker.ts';
import { RawClient } from './test-support/raw-client.ts';
import { type RunningBroker, runBroker } from './test-support/running-broker.ts';
import { scratch } from './test-support/scratch.ts';

const QUICK = { orphanGraceS: 1 };
/** Long enough to be connected until the broker is ended, short enough to be waited for. */
const KEEPALIVE_S = 3;

function device(port: number, name: string, more: object = {}): Promise<RawClient> {
  const will = {
    topic: `hb/v1/meter/${name}/will`,
    payload: Buffer.from(`${name} is gone`),
    qos: 1 as const,
  };
  return RawClient.login(port, {
    clientId: name,
    keepalive: KEEPALIVE_S,
    will: { ...will, retain: false },
    ...more,
  });
}

function wills({ tapped }: RunningBroker): string[] {
  return tapped.filter(({ topic }) => topic.endsWith('/will')).map(({ payload }) => payload);
}

describe('after the end of a broker with a directory, however it ended', () => {
  for (const [how, end] of [
    ['SIGKILL', (before: KillableBroker) => before.end('SIGKILL')],
    ['SIGTERM', (before: KillableBroker) => before.end('SIGTERM')],
  ] as const) {
    it(`the will of who does not come back is published, at another address too, and no other (${how})`, async () => {
      await using data = await scratch();
      await using before = await KillableBroker.start(data);
      const watcher = await RawClient.login(before.port, { clientId: 'watcher' });
      await watcher.subscribe(['hb/v1/+/+/will']);
      await device(before.port, 'dead');
      await device(before.port, 'back');
      const left = await device(before.port, 'left');
      left.send({ cmd: 'disconnect' });
      await left.ended;
      const broken = await device(before.port, 'broken');
      broken.destroy();
      await watcher.next('publish', 'the will of a broken connection');
      const again = await device(before.port, 'again');
      again.destroy();
      await watcher.next('publish', 'the will of another one');
      await device(before.port, 'again', { will: undefined });
      const settled = await RawClient.login(before.port, { clientId: 'last' });
      await settled.publishAcknowledged('hb/v1/meter/last/beat', '{}', 1);
      await end(before);
      await using after = await runBroker({ ...data, limits: QUICK });
      assert.notEqual(after.port, before.port);
      assert.equal(after.broker.counters().orphans, 2);
      const observer = await RawClient.login(after.port, { clientId: 'observer' });
      await observer.subscribe(['hb/v1/#']);
      await device(after.port, 'back', { keepalive: 60 });
      assert.equal(after.broker.counters().orphans, 1);
      await observer.next('publish', 'the will of who did not come back');
      await until(() => after.broker.counters().orphans === 0, 'nobody to be awaited any more');
      assert.deepEqual(wills(after), ['dead is gone']);
      assert.equal(after.broker.counters().willsTaken, 1);
    });
  }

  it('it was drained, and those it disconnected come back: no will', async () => {
    await using data = await scratch();
    {
      await using before = await runBroker(data);
      await device(before.port, 'd1');
      await before.broker.drain();
    }
    await using after = await runBroker({ ...data, limits: QUICK });
    assert.equal(after.broker.counters().orphans, 1);
    const back = await device(after.port, 'd1');
    assert.equal(after.broker.counters().orphans, 0);
    back.send({ cmd: 'disconnect' });
    await back.ended;
    await until(() => after.broker.counters().clientsConnected === 0, 'it to leave');
    assert.deepEqual(wills(after), []);
  });

  it('a client that comes back under another client id, with a will on the same topic, is back', async () => {
    await using data = await scratch();
    {
      await using before = await runBroker(data);
      await device(before.port, 'd1', { clientId: 'random-1' });
      await before.broker.close();
    }
    await using after = await runBroker({ ...data, limits: QUICK });
    assert.equal(after.broker.counters().orphans, 1);
    const back = await device(after.port, 'd1', { clientId: 'random-2' });
    assert.equal(after.broker.counters().orphans, 0);
    back.destroy();
    await until(() => wills(after).length === 1, 'the will of the new connection');
    await after.broker.close();
    await using later = await runBroker(data);
    assert.equal(later.broker.counters().orphans, 0);
  });

  it('wills that were published are not published again by the next one', async () => {
    await using data = await scratch();
    {
      await using before = await runBroker(data);
      (await device(before.port, 'd1')).destroy();
      await until(() => wills(before).length === 1, 'its will');
    }
    await using after = await runBroker({ ...data, limits: QUICK });
    assert.equal(after.broker.counters().orphans, 0);
  });

  it('a will on a topic that is not carried any more is refused, and counted', async () => {
    await using data = await scratch();
    {
      await using before = await runBroker({ ...data, topics: 'any' });
      const will = { topic: 'home/gone', payload: Buffer.from('w'), qos: 0 as const, retain: false };
      await device(before.port, 'd1', { will });
      await before.broker.close();
    }
    await using after = await runBroker({ ...data, limits: QUICK });
    await until(() => after.broker.counters().refused['will-refused'] === 1, 'it to be refused');
    await after.broker.close();
    await using later = await runBroker({ ...data, limits: QUICK });
    assert.equal(later.broker.counters().orphans, 0);
  });

  it('200 wills reach a detector with a lasting session elsewhere', async () => {
    await using data = await scratch();
    await using before = await KillableBroker.start(data);
    const names = Array.from({ length: 200 }, (_, index) => `d${index}`);
    await Promise.all(names.map((name) => device(before.port, name)));
    const detector = await RawClient.login(before.port, { clientId: 'detector', clean: false });
    await detector.subscribe(['hb/v1/+/+/will']);
    await before.end('SIGKILL');
    await using after = await runBroker({ ...data, limits: QUICK });
    assert.equal(after.broker.counters().orphans, 200);
    await until(() => after.broker.counters().willsTaken === 200, 'every will');
    const back = await RawClient.open(after.port);
    back.polite = true;
    back.connect({ clientId: 'detector', clean: false });
    const heard = (): number =>
      new Set(back.received.flatMap((packet) => (packet.cmd === 'publish' ? [packet.topic] : []))).size;
    await until(() => heard() === 200, 'every will at the detector');
  });

  it('the will of everybody who had a CONNACK is published, however soon the broker was killed', async () => {
    await using data = await scratch();
    await using before = await KillableBroker.start(data);
    const crowd = await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const client = await RawClient.open(before.port);
        const will = {
          topic: `hb/v1/meter/d${index}/will`,
          payload: Buffer.from('x'),
          qos: 0 as const,
          retain: false,
        };
        client.connect({ clientId: `d${index}`, keepalive: KEEPALIVE_S, will });
        return client;
      }),
    );
    let welcomed = 0;
    const greetings = crowd.map(async (client) => {
      await client.next('connack');
      welcomed += 1;
    });
    await Promise.race(greetings);
    await before.end('SIGKILL');
    await Promise.allSettled(greetings);
    await using after = await runBroker({ ...data, limits: QUICK });
    assert.ok(
      after.broker.counters().orphans >= welcomed,
      `${after.broker.counters().orphans} of ${welcomed}`,
    );
  });

  it('a damaged line costs its own will only', async () => {
    await using data = await scratch();
    {
      await using before = await runBroker(data);
      await device(before.port, 'd1');
      await before.broker.close();
    }
    await writeFile(join(data.directory, 'wills.v1'), '0000beef ["open","d2",1,"hb/v1/me', { flag: 'a' });
    await using after = await runBroker({ ...data, limits: QUICK });
    assert.deepEqual([after.broker.counters().orphans, after.broker.counters().refused.store], [1, 1]);
  });
});

describe('the wait for a client', () => {
  it('lasts 1.5 × its keepalive, and the grace at least', async () => {
    await using data = await scratch();
    const path = join(data.directory, 'wills.v1');
    let at = 1_000_000;
    const will: Will = {
      cmd: 'publish',
      topic: 'w',
      payload: Buffer.from(''),
      qos: 1,
      retain: false,
      dup: false,
    };
    const first = new OpenWills({ graceS: 60, now: () => at, orphaned: () => assert.fail('nobody is') });
    await first.open(new RecordFile(path), assert.fail);
    for (const [name, keepaliveS] of [
      ['short', 10],
      ['long', 100],
    ] as const) {
      first.arrived(name, will, keepaliveS);
    }
    await first.close();
    const orphaned: string[] = [];
    const second = new OpenWills({ graceS: 60, now: () => at, orphaned: (name) => orphaned.push(name) });
    await second.open(new RecordFile(path), assert.fail);
    second.awaitOrphans();
    second.giveUp();
    assert.deepEqual(orphaned, []);
    at += 60_000;
    second.giveUp();
    assert.deepEqual(orphaned, ['short']);
    at += 89_999;
    second.giveUp();
    assert.deepEqual(orphaned, ['short']);
    at += 1;
    second.giveUp();
    assert.deepEqual(orphaned, ['short', 'long']);
    await second.close();
  });
});
