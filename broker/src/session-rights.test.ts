import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until, within } from '@slowbeat/test-servers';
import type { IConnackPacket } from 'mqtt-packet';
import { formatUser, hashPassword } from './credentials.ts';
import { RawClient } from './test-support/raw-client.ts';
import { type RunningBroker, runBroker } from './test-support/running-broker.ts';
import { scratch } from './test-support/scratch.ts';

const BEATS = 'hb/v1/+/+/beat';
const password = Buffer.from('right');
const GRANTS = { device: [], gateway: ['meter/*'], detector: [], observer: [] };
const hash = await hashPassword('right', 10);

/** `name: role` for each user there is; d1 always is one. */
async function writeUsers(file: string, users: Record<string, keyof typeof GRANTS>): Promise<void> {
  const lines = Object.entries<keyof typeof GRANTS>({ d1: 'device', ...users }).map(([name, role]) => {
    return formatUser(name, role, hash, GRANTS[role]);
  });
  await writeFile(file, lines.join('\n'));
}

function login(running: RunningBroker, username: string): Promise<RawClient & { returnCode: number }> {
  return RawClient.login(running.port, { clientId: 'c', username, password, clean: false });
}

/** A broker where `watch` was a detector, subscribed to beats, and left; then a beat came. */
async function withQueue(file: string, directory: string): Promise<RunningBroker> {
  await writeUsers(file, { watch: 'detector' });
  const running = await runBroker({ access: { mode: 'users', credentialsFile: file }, directory });
  const watch = await login(running, 'watch');
  await watch.subscribe([BEATS, '$SYS/broker/uptime']);
  watch.destroy();
  await until(() => running.broker.counters().clientsConnected === 0, 'the detector to be away');
  await beat(running, 'secret');
  return running;
}

async function beat(running: RunningBroker, payload: string): Promise<void> {
  const device = await login(running, 'd1');
  await device.publishAcknowledged('hb/v1/meter/d1/beat', payload, 1);
  device.destroy();
}

/** What a client is given in the turns after its log-in, without subscribing to anything. */
async function given(running: RunningBroker, username: string): Promise<number> {
  const client = await RawClient.open(running.port);
  client.polite = true;
  client.connect({ clientId: 'c', username, password, clean: false });
  const { returnCode } = (await client.next('connack')) as IConnackPacket;
  assert.equal(returnCode, 0);
  await beat(running, 'live');
  client.send({ cmd: 'pingreq' });
  await client.next('pingresp');
  return client.received.filter(({ cmd }) => cmd === 'publish').length;
}

describe('a kept session', () => {
  for (const role of ['device', 'gateway'] as const) {
    it(`is forgotten when its detector becomes a ${role}, queue and subscriptions`, async () => {
      await using data = await scratch();
      const file = join(data.directory, 'users');
      await using running = await withQueue(file, join(data.directory, 'b'));
      assert.equal(running.broker.counters().sessionsKept, 1);
      await writeUsers(file, { watch: role });
      await running.broker.reload();
      assert.equal(running.broker.counters().sessionsKept, 0);
      assert.equal(await given(running, 'watch'), 0);
    });
  }

  it('is forgotten when its user is revoked, and stays so when the user is back', async () => {
    await using data = await scratch();
    const file = join(data.directory, 'users');
    await using running = await withQueue(file, join(data.directory, 'b'));
    await writeUsers(file, {});
    await running.broker.reload();
    assert.equal(running.broker.counters().sessionsKept, 0);
    assert.equal((await login(running, 'watch')).returnCode, 4);
    await writeUsers(file, { watch: 'detector' });
    await running.broker.reload();
    assert.equal(await given(running, 'watch'), 0);
  });

  it('is forgotten when its user was revoked while the broker was down', async () => {
    await using data = await scratch();
    const file = join(data.directory, 'users');
    {
      await using _before = await withQueue(file, join(data.directory, 'b'));
    }
    await writeUsers(file, { watch: 'device' });
    const access = { mode: 'users' as const, credentialsFile: file };
    await using running = await runBroker({ access, directory: join(data.directory, 'b') });
    assert.equal(running.broker.counters().sessionsKept, 0);
    assert.equal(await given(running, 'watch'), 0);
  });

  it('stays when its detector becomes an observer, who may hear the same', async () => {
    await using data = await scratch();
    const file = join(data.directory, 'users');
    await using running = await withQueue(file, join(data.directory, 'b'));
    await writeUsers(file, { watch: 'observer' });
    await running.broker.reload();
    assert.equal(running.broker.counters().sessionsKept, 1);
    assert.ok((await given(running, 'watch')) >= 2);
  });

  it('loses the filters, and what waits on their account, that nobody may have any more', async () => {
    await using data = await scratch();
    const options = { directory: join(data.directory, 'b') };
    {
      await using before = await runBroker({ ...options, topics: 'any' });
      const watch = await RawClient.login(before.port, { clientId: 'watch', clean: false });
      await watch.subscribe([BEATS, 'home/#']);
      watch.destroy();
      await until(() => before.broker.counters().clientsConnected === 0, 'it to be away');
      const sender = await RawClient.login(before.port, { clientId: 's' });
      await sender.publishAcknowledged('home/door', 'open', 1);
      await sender.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 2);
    }
    await using after = await runBroker(options);
    const watch = await RawClient.open(after.port);
    watch.polite = true;
    watch.connect({ clientId: 'watch', clean: false });
    await watch.next('publish');
    watch.send({ cmd: 'pingreq' });
    await watch.next('pingresp');
    assert.deepEqual(
      watch.received.filter(({ cmd }) => cmd === 'publish'),
      [],
      'one message only',
    );
    assert.equal(after.broker.clients({ limit: 1 }).clients[0]?.subscriptions, 1);
  });
});

it('a user revoked while it logs in does not stay connected', async () => {
  await using data = await scratch();
  const file = join(data.directory, 'users');
  await writeUsers(file, { watch: 'detector' });
  await using running = await runBroker({ access: { mode: 'users', credentialsFile: file } });
  const clients = await Promise.all(Array.from({ length: 40 }, () => RawClient.open(running.port)));
  await until(() => running.broker.counters().connectionsOpen === 40, 'all to be in');
  await writeUsers(file, {});
  for (const [index, client] of clients.entries()) {
    client.connect({ clientId: `c${index}`, username: 'watch', password });
    if (index === 20) await running.broker.reload(); // in the middle of passwords being checked
  }
  await within(Promise.all(clients.map(({ ended }) => ended)), 'everybody to be refused or revoked');
  assert.equal(running.broker.counters().clientsConnected, 0);
});
