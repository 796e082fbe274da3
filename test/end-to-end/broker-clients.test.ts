/** `slowbeat broker clients` at a broker that runs. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ClientView } from '@slowbeat/broker';
import { freePort } from '@slowbeat/test-servers';
import mqtt from 'mqtt';
import { type Running, slowbeat } from '../support/processes.ts';

const PLAIN = ['--config', '/dev/null'];

describe('slowbeat broker clients', () => {
  let broker: Running;
  let http: string;
  let ask: (...words: string[]) => Promise<{ code: number | null; stdout: string; stderr: string }>;
  const clients: mqtt.MqttClient[] = [];

  before(async () => {
    broker = slowbeat(['broker', ...PLAIN, '--port', '0', '--http-port', '0']);
    const [, url = ''] = await broker.prints(/listens at (mqtt:\S+)/);
    http = (await broker.prints(/HTTP at (http:\/\/[^/]+)/))[1] ?? '';
    for (const clientId of ['b', 'a', 'c']) clients.push(await mqtt.connectAsync(url, { clientId }));
    const watch = await mqtt.connectAsync(url, { clientId: 'watch', clean: false, keepalive: 90 });
    clients.push(watch);
    await watch.subscribeAsync('hb/v1/#', { qos: 1 });
    ask = async (...words) => {
      await using command = slowbeat(['broker', 'clients', ...PLAIN, '--url', http, ...words]);
      return { code: await command.closed(), stdout: command.stdout, stderr: command.stderr };
    };
  });

  after(async () => {
    await Promise.all(clients.map((client) => client.endAsync()));
    await broker[Symbol.asyncDispose]();
  });

  const ids = (lines: string): string[] =>
    lines
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as ClientView).clientId);

  it('lists them sorted by id, for people', async () => {
    const { code, stdout } = await ask();
    assert.equal(code, 0);
    const [head = '', ...rows] = stdout.trimEnd().split('\n');
    assert.match(
      head,
      /^client +user +role +via +address +connected +silent +keepalive +session +queued +will$/,
    );
    assert.deepEqual(
      rows.map((row) => row.split(' ')[0]),
      ['a', 'b', 'c', 'watch'],
    );
    assert.match(rows[3] ?? '', /tcp +127\.0\.0\.1 .* 1m 30s +kept +0 +-$/);
  });

  it('lists them as NDJSON, in the order asked for', async () => {
    assert.deepEqual(ids((await ask('--json', '--sort', 'connected')).stdout), ['b', 'a', 'c', 'watch']);
    assert.deepEqual(ids((await ask('--json', '--reverse')).stdout), ['watch', 'c', 'b', 'a']);
  });

  it('narrows them down', async () => {
    assert.deepEqual(ids((await ask('--json', '--client-id', 'a')).stdout), ['a']);
    const { code, stdout, stderr } = await ask('--json', '--role', 'gateway');
    assert.deepEqual([code, stdout, stderr], [0, '', '']);
    assert.match((await ask('--role', 'gateway')).stderr, /nobody like that/);
  });

  it('shows nothing of a will that would paint on a terminal', async () => {
    await using any = slowbeat(['broker', ...PLAIN, '--port', '0', '--http-port', '0', '--topics', 'any']);
    const [, url = ''] = await any.prints(/listens at (mqtt:\S+)/);
    const will = {
      topic: 'a/\x1b[31mred\x1b]0;title\x07',
      payload: Buffer.alloc(0),
      qos: 0,
      retain: false,
    } as const;
    const client = await mqtt.connectAsync(url, { clientId: 'd1', will });
    const [, address = ''] = await any.prints(/HTTP at (http:\/\/[^/]+)/);
    await using command = slowbeat(['broker', 'clients', ...PLAIN, '--url', address]);
    assert.equal(await command.closed(), 0);
    assert.match(command.stdout, /^d1 .* a\/\ufffd\[31mred\ufffd]0;title\ufffd\n/m);
    await client.endAsync();
  });

  it('ends with 3 where no broker answers, and says what to do', async () => {
    const port = await freePort();
    await using command = slowbeat(['broker', 'clients', ...PLAIN, '--http-port', String(port)]);
    assert.equal(await command.closed(), 3);
    assert.match(command.stderr, new RegExp(`no broker answers at http://127.0.0.1:${port}; .*--http-port`));
  });

  it('is refused a page that does not exist', async () => {
    for (const query of ['limit=0', 'limit=1001', 'cursor=x', 'cursor=-1', 'password=x']) {
      assert.equal((await fetch(`${http}/api/v1/clients?${query}`)).status, 400, query);
    }
    const page = await (await fetch(`${http}/api/v1/clients?limit=3`)).json();
    assert.equal((page as { next: string }).next, '3');
  });
});
