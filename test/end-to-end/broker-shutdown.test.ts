/** A broker that is told to stop: nobody is cut off in the middle of a word, and nobody is told to be dead. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@slowbeat/test-servers';
import mqtt from 'mqtt';
import { type Running, scratch, slowbeat, startMonitor } from '../support/processes.ts';

const PLAIN = ['--config', '/dev/null', '--port', '0', '--http-port', '0'];

async function broker(...settings: string[]): Promise<{ process: Running; url: string; http: string }> {
  const process = slowbeat(['broker', ...PLAIN, ...settings.flatMap((setting) => ['--set', setting])]);
  const [, url = ''] = await process.prints(/listens at (mqtt:\S+)/);
  const [, http = ''] = await process.prints(/HTTP at (http:\/\/[^/]+)/);
  return { process, url, http };
}

function connect(url: string, name: string): Promise<mqtt.MqttClient> {
  const will = { topic: `hb/v1/meter/${name}/will`, payload: Buffer.from('{}'), qos: 1 as const };
  return mqtt.connectAsync(url, { clientId: name, reconnectPeriod: 0, will: { ...will, retain: false } });
}

test('SIGTERM makes a broker not ready, disconnects in turn while serving the rest, and publishes no will', async () => {
  const { process, url, http } = await broker('broker.limits.shutdownDisconnectsPerSecond=2');
  await using _running = process;
  assert.equal((await fetch(`${http}/readyz`)).status, 200);
  const observer = await mqtt.connectAsync(url, { clientId: 'observer', reconnectPeriod: 0 });
  const heard: string[] = [];
  observer.on('message', (topic) => heard.push(topic));
  await observer.subscribeAsync('hb/v1/#', { qos: 1 });
  const names = Array.from({ length: 10 }, (_, index) => `d${index}`);
  const devices = await Promise.all(names.map((name) => connect(url, name)));
  const gone: mqtt.MqttClient[] = [];
  for (const device of devices) device.once('close', () => gone.push(device));
  let observerLeft = false;
  observer.once('close', () => {
    observerLeft = true;
  });
  process.signal('SIGTERM');
  await until(() => gone.length > 0, 'the first to be disconnected');
  const { status } = await fetch(`${http}/readyz?verbose`);
  assert.equal(status, 503);
  const left = devices.find((device) => !gone.includes(device));
  await left?.publishAsync('hb/v1/meter/late/beat', '{}', { qos: 1 });
  assert.equal(await process.closed(), 0);
  await until(() => observerLeft, 'the observer to be disconnected');
  assert.deepEqual(heard, ['hb/v1/meter/late/beat']);
});

test('a second SIGTERM ends a slow farewell at once', async () => {
  const { process, url } = await broker(
    'broker.limits.shutdownDisconnectsPerSecond=1',
    'broker.limits.shutdownSpreadMsMax=600000',
  );
  await using _running = process;
  const devices = await Promise.all(Array.from({ length: 50 }, (_, index) => connect(url, `d${index}`)));
  let gone = 0;
  for (const device of devices) device.once('close', () => (gone += 1));
  process.signal('SIGTERM');
  await until(() => gone > 0, 'the first to be disconnected'); // after a second: no longer one wish with the first
  assert.equal(await process.end('SIGTERM'), 143);
});

test('a monitor that is told to stop drains its own broker, and calls nobody dead when it is back', async () => {
  await using data = await scratch();
  const settings = {
    'classes.meter.interval': '1m',
    'broker.limits.shutdownDisconnectsPerSecond': 20,
    dataDirectory: data.path,
  };
  const before = await startMonitor(settings);
  const names = Array.from({ length: 10 }, (_, index) => `d${index}`);
  const devices = await Promise.all(names.map((name) => connect(before.url, name)));
  await Promise.all(
    devices.map((device, index) => device.publishAsync(`hb/v1/meter/d${index}/beat`, '', { qos: 1 })),
  );
  let gone = 0;
  for (const device of devices) device.once('close', () => (gone += 1));
  before.process.signal('SIGTERM');
  await until(() => gone > 0, 'the first to be disconnected');
  assert.equal((await fetch(`${before.http}/readyz`)).status, 503);
  assert.equal(await before.process.closed(), 0);
  await using after = await startMonitor(settings);
  assert.equal(await after.metric('slowbeat_messages_total', 'kind="will"'), 0);
  assert.equal(await after.metric('slowbeat_transitions_total', 'to="suspect"'), 0);
  await before[Symbol.asyncDispose]();
});
