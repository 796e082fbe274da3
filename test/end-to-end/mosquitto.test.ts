/** Another broker under the rules of ours: Debian's mosquitto, with device, simulator and detector unchanged. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { formatUser, hashPassword } from '@slowbeat/broker';
import { createDevice } from '@slowbeat/device-sdk';
import { Mosquitto, needsMosquitto, until } from '@slowbeat/test-servers';
import mqtt from 'mqtt';
import { scratch, slowbeat, startMonitor } from '../support/processes.ts';
import { Verdicts } from '../support/verdicts.ts';

const run = promisify(execFile);
const PASSWORD = 'right';

/** A mosquitto configured by `slowbeat broker acl`, and the files that were made for it. */
async function ruledMosquitto(directory: string): Promise<Mosquitto> {
  const users = join(directory, 'users');
  const aclFile = join(directory, 'acl');
  const passwordFile = join(directory, 'passwd');
  const hash = await hashPassword(PASSWORD, 10);
  const lines = [
    formatUser('d1', 'device', hash, ['meter/d1']),
    formatUser('sim', 'gateway', hash, ['meter/*']),
    formatUser('watch', 'detector', hash),
    formatUser('eye', 'observer', hash),
  ];
  await writeFile(users, lines.join('\n'));
  await writeFile(passwordFile, '');
  for (const name of ['d1', 'sim', 'watch', 'eye'])
    await run('mosquitto_passwd', ['-b', passwordFile, name, PASSWORD]);
  const access = JSON.stringify({ mode: 'users', credentialsFile: users });
  const ours = ['--config', '/dev/null', '--set', `broker.access=${access}`];
  const ask = async (...more: string[]): Promise<string> => {
    await using command = slowbeat(['broker', 'acl', '--for', 'mosquitto', ...ours, ...more]);
    assert.equal(await command.closed(), 0, command.stderr);
    assert.equal(command.stderr, '');
    return command.stdout;
  };
  await writeFile(aclFile, await ask());
  const configuration = await ask('--conf', '--acl-file', aclFile, '--password-file', passwordFile);
  return Mosquitto.start((port) => configuration.replace(/^listener 1883/m, `listener ${port}`));
}

function as(url: string, user: string): string {
  return url.replace('//', `//${user}:${PASSWORD}@`);
}

test('mosquitto under our rules serves device, simulator and detector', needsMosquitto, async () => {
  await using directory = await scratch();
  await using broker = await ruledMosquitto(directory.path);
  const passwordFile = join(directory.path, 'password');
  await writeFile(passwordFile, `${PASSWORD}\n`);
  await using monitor = await startMonitor(
    {
      'classes.meter.interval': '1s',
      'broker.username': 'watch',
      'broker.passwordFile': passwordFile,
      dataDirectory: join(directory.path, 'data'),
    },
    { command: ['detector', '--url', broker.url] },
  );
  await using verdicts = await Verdicts.listen(as(broker.url, 'eye'));
  const device = createDevice({ url: as(broker.url, 'd1'), deviceId: 'd1', class: 'meter', interval: '1s' });
  await using _device = { [Symbol.asyncDispose]: () => device.stop({ timeout: 1 }) };
  await using simulator = slowbeat([
    ...['sim', 'live', '--scenario', 'calm', '-c', '5', '-I', '1s', '--for', '60s', '--no-record'],
    ...['--url', broker.url, '-u', 'sim', '--password-file', passwordFile],
  ]);
  device.start();
  await until(() => verdicts.states('d1').includes('alive'), 'the device to be alive');
  const simulated = (): number => new Set(verdicts.all.map(({ device }) => device)).size - 1;
  await until(() => simulated() === 5, 'the simulated fleet');
  await device.stop();
  await until(() => verdicts.states('d1').includes('asleep'), 'its goodbye');
  await simulator.end('SIGINT');
  assert.equal(await monitor.metric('slowbeat_broker_link_lost_total'), 0);
});

test('mosquitto under our rules keeps the verdicts of several monitors apart', needsMosquitto, async () => {
  await using directory = await scratch();
  await using broker = await ruledMosquitto(directory.path);
  const passwordFile = join(directory.path, 'password');
  await writeFile(passwordFile, `${PASSWORD}\n`);
  const monitor = (name: string) =>
    startMonitor(
      {
        'classes.meter.interval': '1m',
        'broker.username': 'watch',
        'broker.passwordFile': passwordFile,
        monitor: name,
        ownStateTopic: 'true',
        dataDirectory: join(directory.path, name),
      },
      { command: ['detector', '--url', broker.url] },
    );
  await using _north = await monitor('north');
  await using _south = await monitor('south');
  const heard = new Set<string>();
  const eye = await mqtt.connectAsync(as(broker.url, 'eye'), { reconnectPeriod: 0 });
  eye.on('message', (topic) => heard.add(topic));
  await eye.subscribeAsync('hb/v1/+/+/state/+', { qos: 1 });
  const device = await mqtt.connectAsync(as(broker.url, 'd1'), { reconnectPeriod: 0 });
  await device.publishAsync('hb/v1/meter/d1/state/east', '{}', { qos: 1, retain: true });
  // Again and again, since neither may have subscribed yet.
  const bothSpoke = async (): Promise<boolean> => {
    await device.publishAsync('hb/v1/meter/d1/beat', '', { qos: 1 });
    return heard.size === 2;
  };
  await until(bothSpoke, 'both verdicts');
  assert.deepEqual([...heard].sort(), ['hb/v1/meter/d1/state/north', 'hb/v1/meter/d1/state/south']);
  await Promise.all([eye.endAsync(true), device.endAsync(true)]);
});

test(
  'mosquitto under our rules lets no device speak for, or listen to, another',
  needsMosquitto,
  async () => {
    await using directory = await scratch();
    await using broker = await ruledMosquitto(directory.path);
    const login = (user: string): Promise<mqtt.MqttClient> =>
      mqtt.connectAsync(as(broker.url, user), { reconnectPeriod: 0 });
    const [device, detector, observer] = [await login('d1'), await login('watch'), await login('eye')];
    await using _clients = {
      [Symbol.asyncDispose]: async () => {
        for (const client of [device, detector, observer]) await client.endAsync(true);
      },
    };
    const heard: string[] = [];
    detector.on('message', (topic) => heard.push(topic));
    const leaked: string[] = [];
    device.on('message', (topic) => leaked.push(topic));
    await detector.subscribeAsync('hb/v1/#', { qos: 1 });
    await device.subscribeAsync(['#', 'hb/v1/meter/d1/ping'], { qos: 1 });
    const mine = ['birth', 'beat', 'will', 'bye', 'pong'].map((kind) => `hb/v1/meter/d1/${kind}`);
    const foreign = [
      'hb/v1/meter/d2/beat',
      'hb/v1/valve/d1/beat',
      'hb/v1/meter/d1/state',
      'hb/v1/meter/d1/ping',
      'x',
    ];
    for (const topic of [...foreign, ...mine]) await device.publishAsync(topic, '{}', { qos: 1 });
    for (const topic of ['hb/v1/meter/d1/state', 'hb/v1/meter/d1/beat'])
      await observer.publishAsync(topic, '{}', { qos: 1 });
    await detector.publishAsync('hb/v1/meter/d2/ping', '{}', { qos: 1 });
    await detector.publishAsync('hb/v1/meter/d1/ping', '{}', { qos: 1 });
    await until(() => leaked.length >= 1 && heard.length >= mine.length + 2, 'what is allowed');
    assert.deepEqual(leaked, ['hb/v1/meter/d1/ping']);
    assert.deepEqual(heard.sort(), [...mine, 'hb/v1/meter/d1/ping', 'hb/v1/meter/d2/ping'].sort());
    await assert.rejects(mqtt.connectAsync(broker.url, { reconnectPeriod: 0 }), /[Nn]ot authorized/);
  },
);
