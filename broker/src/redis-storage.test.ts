import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { freePort, needsRedis, RedisServer, until } from '@slowbeat/test-servers';
import type { IPublishPacket } from 'mqtt-packet';
import { RecordLog, readRecords } from './record-log.ts';
import { openRedis } from './redis-storage.ts';
import type { StorageWatch } from './storage.ts';
import { TestAuthority } from './test-support/certificates.ts';
import { BEATS, backAgain, DETECTOR, payloads } from './test-support/detector-client.ts';
import { KillableBroker } from './test-support/killable-broker.ts';
import { RawClient } from './test-support/raw-client.ts';
import { runBroker } from './test-support/running-broker.ts';
import { scratch } from './test-support/scratch.ts';

const UNWATCHED: StorageWatch = {
  signal: new AbortController().signal,
  onWait: () => {},
  onTrouble: () => {},
  onHold: () => {},
};

describe('a broker with a Redis server', needsRedis, () => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    it(`knows verdicts, sessions, what waits in them, and open wills after ${signal}`, async () => {
      await using server = await RedisServer.start();
      const redis = { url: server.url };
      await using before = await KillableBroker.start({ redis });
      const detector = await RawClient.login(before.port, DETECTOR);
      await detector.subscribe([BEATS]);
      detector.publish('hb/v1/meter/d1/state', 'alive', { qos: 1, messageId: 1, retain: true });
      await detector.next('puback');
      detector.destroy();
      const will = {
        topic: 'hb/v1/meter/d1/will',
        payload: Buffer.from('w'),
        qos: 1 as const,
        retain: false,
      };
      const device = await RawClient.login(before.port, { clientId: 'd1', keepalive: 3, will });
      for (const messageId of [1, 2, 3]) {
        await device.publishAcknowledged('hb/v1/meter/d1/beat', String(messageId), messageId);
      }
      await before.end(signal);
      await using after = await runBroker({ redis, limits: { orphanGraceS: 2 } });
      const { detector: back, sessionPresent } = await backAgain(after.port);
      assert.ok(sessionPresent);
      await until(() => payloads(back).length === 3, 'the beats of its absence');
      assert.deepEqual(payloads(back), ['1', '2', '3']);
      const observer = await RawClient.login(after.port, { clientId: 'observer' });
      await observer.subscribe(['hb/v1/+/+/state']);
      assert.equal(String(((await observer.next('publish')) as IPublishPacket).payload), 'alive');
      await until(() => after.broker.counters().willsTaken === 1, 'the will of the device that is not back');
    });
  }

  it('acknowledges nothing while the server is away, and writes everything anew when it is back, even empty', async () => {
    await using server = await RedisServer.start();
    const redis = { url: server.url };
    await using running = await runBroker({ redis });
    const absent = await RawClient.login(running.port, DETECTOR);
    await absent.subscribe([BEATS]);
    absent.destroy();
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    await device.publishAcknowledged('hb/v1/meter/d1/beat', 'before', 1);
    await server.stop('SIGKILL');
    await assert.rejects(device.publishAcknowledged('hb/v1/meter/d1/beat', 'meanwhile', 2), /ended before/);
    assert.ok(running.broker.counters().refused.store > 0);
    await server.forget();
    await server.run();
    const again = async (): Promise<boolean> => {
      const sender = await RawClient.login(running.port, { clientId: 'd1' });
      const acknowledged = sender.publishAcknowledged('hb/v1/meter/d1/beat', 'after', 1);
      return acknowledged.then(
        () => true,
        () => false,
      );
    };
    await until(again, 'a beat to be acknowledged again');
    await running.broker.close();
    await using after = await runBroker({ redis });
    const { detector } = await backAgain(after.port);
    await until(() => payloads(detector).includes('after'), 'the beat after');
    assert.ok(payloads(detector).includes('before'));
  });

  it('does not start on the name of another one, and does on a name of its own', async () => {
    await using server = await RedisServer.start();
    await using _first = await runBroker({ redis: { url: server.url } });
    await assert.rejects(
      runBroker({ redis: { url: server.url } }),
      (error: Error & { code?: string }) =>
        error.code === 'redis-unusable' &&
        /another broker \(process \d+ on .+\) is using "slowbeat"/.test(error.message),
    );
    await using _other = await runBroker({ redis: { url: server.url, name: 'other' } });
  });

  it('logs in with the password of a file, and says so when it is wrong', async () => {
    await using data = await scratch();
    const passwordFile = join(data.directory, 'password');
    await writeFile(passwordFile, 'secret\n');
    await using server = await RedisServer.start('--requirepass', 'secret');
    {
      await using _running = await runBroker({ redis: { url: server.url, passwordFile } });
    }
    await writeFile(passwordFile, 'wrong');
    await assert.rejects(
      runBroker({ redis: { url: server.url, passwordFile } }),
      (error: Error & { code?: string }) =>
        error.code === 'redis-unusable' && /WRONGPASS/.test(error.message),
    );
  });

  it('speaks TLS, and trusts nobody but the authority it is given', async () => {
    await using authority = await TestAuthority.create();
    await using stranger = await TestAuthority.create('CN=Another Authority');
    const { certFile, keyFile } = await authority.issue('CN=localhost', { dns: 'localhost' });
    const port = await freePort();
    const certificate = ['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-auth-clients', 'no'];
    await using _server = await RedisServer.start('--port', '0', '--tls-port', String(port), ...certificate);
    const url = `rediss://localhost:${port}`;
    {
      await using _running = await runBroker({ redis: { url, caFile: authority.caFile } });
    }
    for (const caFile of [undefined, stranger.caFile]) {
      await assert.rejects(
        runBroker({ redis: { url, ...(caFile && { caFile }) } }),
        (error: Error & { code?: string }) =>
          error.code === 'redis-unusable' && /certificate/.test(error.message),
      );
    }
  });

  it('does not start where no server answers', async () => {
    await assert.rejects(runBroker({ redis: { url: 'redis://127.0.0.1:1' } }), { code: 'redis-unusable' });
  });
});

describe('records in Redis', needsRedis, () => {
  it('cannot be written by an owner that another one has followed', async () => {
    await using server = await RedisServer.start();
    const place = { url: server.url, name: 'b', standby: false };
    const first = await openRedis(place, UNWATCHED);
    const log = (storage: typeof first) =>
      RecordLog.start<string>({ place: storage.place('x'), snapshot: () => ['state'], onTrouble: () => {} });
    const old = await log(first);
    await old.append('one');
    await server.command('DEL', 'b:lease'); // as if it had been paused for longer than its lease
    const second = await openRedis(place, UNWATCHED);
    const fresh = await log(second);
    await fresh.append('two');
    await assert.rejects(old.append('destroys'), /another broker has taken over/);
    const read: string[] = [];
    await readRecords<string>(second.place('x'), (record) => read.push(record));
    assert.deepEqual(read, ['state', 'two']);
    await first.release();
    await second.release();
  });

  it('are written anew as they grow, and nothing is left of what was before', async () => {
    await using server = await RedisServer.start();
    const storage = await openRedis({ url: server.url, name: 'b', standby: false }, UNWATCHED);
    let state = 0;
    const log = await RecordLog.start<number>({
      place: storage.place('x'),
      snapshot: () => [state],
      onTrouble: (error) => assert.fail(error),
      rewriteBytesMin: 500,
    });
    for (state = 1; state < 500; state++) await log.append(state);
    const read: number[] = [];
    await readRecords<number>(storage.place('x'), (record) => read.push(record));
    assert.equal(read.at(-1), 499);
    assert.ok(read.length < 100, `${read.length} records`);
    assert.deepEqual((await server.command('KEYS', '*')).sort(), ['b:fence', 'b:lease', 'b:x']);
    await log.close();
    await storage.release();
  });
});
