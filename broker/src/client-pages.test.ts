import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '@slowbeat/test-servers';
import type { ClientView } from './client-pages.ts';
import { formatUser, hashPassword } from './credentials.ts';
import { RawClient } from './test-support/raw-client.ts';
import { type RunningBroker, runBroker } from './test-support/running-broker.ts';
import { scratch } from './test-support/scratch.ts';

function all({ broker }: RunningBroker, limit: number): ClientView[] {
  const clients: ClientView[] = [];
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page = broker.clients({ after, limit });
    assert.ok(page.clients.length <= limit);
    clients.push(...page.clients);
    after = page.next;
  }
  return clients;
}

describe('the list of clients', () => {
  it('tells of each who it is, how it came and what it has', async () => {
    await using running = await runBroker({ limits: { keepaliveMaxS: 100 } });
    const will = { topic: 'hb/v1/meter/d1/will', payload: Buffer.from('secret'), qos: 1 as const };
    const before = Date.now();
    const device = await RawClient.login(running.port, {
      clientId: 'd1',
      username: 'somebody',
      password: Buffer.from('secret'),
      keepalive: 0,
      will: { ...will, retain: false },
    });
    await device.subscribe(['hb/v1/meter/d1/ping']);
    const [view, ...others] = all(running, 10);
    assert.deepEqual(others, []);
    const { connectedAt = 0, lastPacketAt = 0, ...rest } = view ?? {};
    assert.ok(before <= connectedAt && connectedAt <= lastPacketAt && lastPacketAt <= Date.now());
    assert.deepEqual(rest, {
      clientId: 'd1',
      user: 'anonymous',
      role: 'anonymous',
      listener: 'tcp',
      address: '127.0.0.1',
      keepaliveS: 100,
      cleanSession: true,
      subscriptions: 1,
      queued: 0,
      unsentBytes: 0,
      willTopic: 'hb/v1/meter/d1/will',
    });
    assert.doesNotMatch(JSON.stringify(view), /secret/);
  });

  it('counts what a kept session has not acknowledged', async () => {
    await using running = await runBroker();
    const detector = await RawClient.login(running.port, { clientId: 'detector', clean: false });
    await detector.subscribe(['hb/v1/+/+/beat']);
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    await device.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 1);
    await device.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 2);
    const [view] = running.broker.clients({ clientId: 'detector', limit: 1 }).clients;
    assert.deepEqual([view?.cleanSession, view?.queued], [false, 2]);
  });

  it('has everybody once on pages of any size, although clients come and go in between', async () => {
    await using running = await runBroker();
    const login = (n: number) => RawClient.login(running.port, { clientId: `d${n}` });
    const devices = await Promise.all(Array.from({ length: 25 }, (_, n) => login(n)));
    for (const limit of [1, 7, 25, 100]) {
      const ids = all(running, limit).map(({ clientId }) => clientId);
      assert.equal(new Set(ids).size, 25);
      assert.equal(ids.length, 25);
    }
    const { clients, next } = running.broker.clients({ limit: 10 });
    const [first, , , , , , , , , tenth] = clients.map(({ clientId }) => Number(clientId.slice(1)));
    for (const gone of [first, tenth]) devices[gone as number]?.destroy();
    await until(() => running.broker.counters().clientsConnected === 23, 'two to go');
    const rest = running.broker.clients({ limit: 100, after: next as number }).clients;
    assert.equal(rest.length, 15);
    assert.equal(running.broker.clients({ limit: 100, after: next as number, user: 'x' }).clients.length, 0);
  });

  it('finds by user, role, listener and address', async () => {
    await using data = await scratch();
    const credentialsFile = join(data.directory, 'users');
    const hash = await hashPassword('right', 10);
    const lines = [formatUser('d1', 'device', hash), formatUser('watch', 'detector', hash)];
    await writeFile(credentialsFile, lines.join('\n'));
    await using running = await runBroker({ access: { mode: 'users', credentialsFile } });
    const password = Buffer.from('right');
    await RawClient.login(running.port, { clientId: 'a', username: 'd1', password });
    await RawClient.login(
      running.port,
      { clientId: 'b', username: 'watch', password },
      { from: '127.0.0.2' },
    );
    const found = (wish: Record<string, string>): string[] =>
      running.broker.clients({ ...wish, limit: 10 }).clients.map(({ clientId }) => clientId);
    assert.deepEqual(found({}), ['a', 'b']);
    assert.deepEqual(found({ user: 'd1' }), ['a']);
    assert.deepEqual(found({ role: 'detector' }), ['b']);
    assert.deepEqual(found({ address: '127.0.0.2' }), ['b']);
    assert.deepEqual(found({ listener: 'tls' }), []);
    assert.deepEqual(found({ role: 'detector', address: '127.0.0.1' }), []);
  });
});
