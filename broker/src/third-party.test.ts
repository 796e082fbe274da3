import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import mqtt from 'mqtt';
import { until, within } from './test-support/deadline.ts';
import { runBroker } from './test-support/running-broker.ts';

const run = promisify(execFile);

describe('MQTT.js', () => {
  it('publishes with QoS 1, subscribes with wildcards and gets retained verdicts', async () => {
    await using running = await runBroker();
    const topic = 'hb/v1/meter/d1/state';
    await running.broker.publish({ topic, payload: Buffer.from('{"state":"alive"}'), qos: 1, retain: true });
    const client = await mqtt.connectAsync(running.url, { clientId: 'js', reconnectPeriod: 0 });
    const heard: string[] = [];
    client.on('message', (heardTopic, payload, packet) => {
      heard.push(`${heardTopic} ${payload} ${packet.retain}`);
    });
    await client.subscribeAsync('hb/v1/#', { qos: 1 });
    await client.publishAsync('hb/v1/meter/d1/beat', '{}', { qos: 1 });
    await until(() => heard.length === 2, 'both messages');
    assert.deepEqual(heard.sort(), ['hb/v1/meter/d1/beat {} false', `${topic} {"state":"alive"} true`]);
    await client.endAsync();
    assert.deepEqual(running.tapped, [{ topic: 'hb/v1/meter/d1/beat', payload: '{}' }]);
  });

  it('is told that its subscription was refused', async () => {
    await using running = await runBroker();
    const client = await mqtt.connectAsync(running.url, { clientId: 'js', reconnectPeriod: 0 });
    await assert.rejects(client.subscribeAsync('home/#'));
    await client.endAsync();
  });
});

const there = spawnSync('mosquitto_pub', ['--help']).error === undefined;
const skip =
  there || process.env.CI === 'true' ? false : 'mosquitto_pub is not installed (Debian: mosquitto-clients)';

describe('mosquitto_pub and mosquitto_sub', { skip }, () => {
  it('publish a beat that is acknowledged and subscribe to it', async () => {
    await using running = await runBroker();
    const port = String(running.port);
    const subscriber = spawn('mosquitto_sub', [
      '-h',
      '127.0.0.1',
      '-p',
      port,
      '-t',
      'hb/v1/#',
      '-q',
      '1',
      '-C',
      '1',
      '-v',
    ]);
    let output = '';
    subscriber.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
    const closed = new Promise((resolve) => subscriber.once('close', resolve));
    await until(() => running.broker.counters().clientsConnected === 1, 'the subscriber');
    await until(
      () => running.log.length > 0 && running.broker.counters().connectsTotal === 1,
      'the subscriber to be ready',
    );
    await run('mosquitto_pub', [
      '-h',
      '127.0.0.1',
      '-p',
      port,
      '-t',
      'hb/v1/meter/d1/beat',
      '-m',
      '{"s":1}',
      '-q',
      '1',
    ]);
    await within(
      closed.then(() => {}),
      'mosquitto_sub to print one message and end',
    );
    assert.equal(output.trim(), 'hb/v1/meter/d1/beat {"s":1}');
    assert.equal(running.tapped.length, 1);
  });

  it('leave a will when killed', async () => {
    await using running = await runBroker();
    const device = spawn('mosquitto_sub', [
      ...['-h', '127.0.0.1', '-p', String(running.port), '-i', 'd1', '-t', 'hb/v1/meter/d1/ping'],
      ...['--will-topic', 'hb/v1/meter/d1/will', '--will-payload', '{"g":1,"k":1}', '--will-qos', '1'],
    ]);
    await until(() => running.broker.counters().clientsConnected === 1, 'the device');
    device.kill('SIGKILL');
    await until(() => running.tapped.length === 1, 'the will');
    assert.deepEqual(running.tapped, [{ topic: 'hb/v1/meter/d1/will', payload: '{"g":1,"k":1}' }]);
  });
});
