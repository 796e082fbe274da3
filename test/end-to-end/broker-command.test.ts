/** The broker as its operator starts it, and tells it to read its files again. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatUser, hashPassword } from '@slowbeat/broker';
import { until, within } from '@slowbeat/test-servers';
import mqtt from 'mqtt';
import { scratch, slowbeat } from '../support/processes.ts';

const PLAIN = ['--config', '/dev/null', '--port', '0'];

function login(url: string, username: string): Promise<mqtt.MqttClient> {
  return mqtt.connectAsync(url, { username, password: 'right', reconnectPeriod: 0 });
}

test('one line starts a broker that carries any topic', async () => {
  await using broker = slowbeat(['broker', ...PLAIN, '--access', 'open', '--topics', 'any']);
  const [, url = ''] = await broker.prints(/listens at (mqtt:\S+)/);
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
  const heard: string[] = [];
  client.on('message', (topic) => heard.push(topic));
  await client.subscribeAsync('TopicA/#', { qos: 2 });
  await client.publishAsync('TopicA/B', 'x', { qos: 2, retain: true });
  await until(() => heard.length === 1, 'the message');
  await client.endAsync();
  assert.equal(await broker.end(), 0);
});

for (const command of ['broker', 'start']) {
  test(`slowbeat ${command} reads its users again on SIGHUP, and keeps them when the file is damaged`, async () => {
    await using directory = await scratch();
    const file = join(directory.path, 'users');
    const hash = await hashPassword('right', 10);
    await writeFile(file, formatUser('d1', 'device', hash));
    const access = JSON.stringify({ mode: 'users', credentialsFile: file });
    const settings = ['--set', `broker.access=${access}`, '--http-port', '0', '--data', directory.path];
    const classes = command === 'start' ? ['--set', 'classes.meter.interval=1m'] : [];
    await using running = slowbeat([command, ...PLAIN, ...settings, ...classes]);
    const [url] = await running.prints(/mqtt:[^\s,]+/);
    const before = await login(url, 'd1');
    const gone = new Promise<void>((resolve) => before.once('close', () => resolve()));
    await writeFile(file, 'nonsense');
    running.signal('SIGHUP');
    await running.prints(/stays as it was/);
    assert.ok(before.connected);
    await writeFile(file, formatUser('d2', 'device', hash));
    running.signal('SIGHUP');
    await within(gone, 'the user that is gone to be disconnected');
    await (await login(url, 'd2')).endAsync();
    await assert.rejects(login(url, 'd1'), { code: 4 });
    assert.equal(await running.end(), 0);
  });
}

test('a name that cannot be one is told before anybody types a password for it', async () => {
  await using command = slowbeat(['broker', 'passwd', 'd:1']);
  assert.equal(await command.closed(), 2);
  assert.match(command.stderr, /^slowbeat: the name must start with a letter or digit/);
});

test('a certificate that is missing is a wrong setting', async () => {
  const listener = JSON.stringify({ port: 0, certFile: 'none.pem', keyFile: 'none.key' });
  await using broker = slowbeat(['broker', ...PLAIN, '--set', `broker.tls=${listener}`]);
  assert.equal(await broker.closed(), 2);
  assert.match(broker.stderr, /broker\.tls\.certFile: ENOENT.*none\.pem/);
});
