import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDevice } from './client.ts';
import type { DeviceOptions } from './options.ts';
import { type Beat, decode } from './protocol/index.ts';
import { AedesBroker } from './test-support/aedes-broker.ts';
import { MosquittoBroker } from './test-support/mosquitto-broker.ts';
import { Observer } from './test-support/observer.ts';
import { skipWithout } from './test-support/programs.ts';
import { told } from './test-support/waiting.ts';

function deviceAt(url: string, more: Partial<DeviceOptions> = {}) {
  const device = createDevice({
    url,
    deviceId: 'd1',
    class: 'meter',
    interval: 100,
    generation: 7,
    reconnect: { minMs: 5, maxMs: 50 },
    ...more,
  });
  return { device, events: told(device) };
}

function beats(observer: Observer): Beat[] {
  return observer.seen.all
    .filter(({ topic }) => topic === 'hb/v1/meter/d1/beat')
    .map(({ payload }) => {
      const decoded = decode('beat', payload);
      assert.ok(decoded.ok);
      return decoded.message;
    });
}

const kinds = (observer: Observer) => observer.seen.all.map(({ topic }) => topic.split('/').at(-1));

const BROKERS = [
  { name: 'Aedes', skip: false as const, start: () => AedesBroker.start() },
  { name: 'mosquitto', skip: skipWithout('mosquitto'), start: () => MosquittoBroker.start() },
];

for (const { name, skip, start } of BROKERS) {
  describe(`a device at ${name}`, { skip }, () => {
    it('is born, beats, answers a probe and says goodbye, all with QoS 1 and nothing retained', async () => {
      await using broker = await start();
      await using observer = await Observer.at(broker.url);
      const { device, events } = deviceAt(broker.url);
      device.start();
      await events.first((event) => event.name === 'beat' && event.seq === 2, 'the third beat');
      await observer.publish('hb/v1/meter/d1/ping', '{"x":5}');
      const pong = decode('pong', (await observer.on('hb/v1/meter/d1/pong')).payload);
      assert.ok(pong.ok);
      assert.equal(pong.message.nonce, 5);
      await device.stop({ sleepFor: '8h' });
      await observer.on('hb/v1/meter/d1/bye');
      assert.deepEqual(events.all.at(-1), { name: 'stopped', byeAcknowledged: true });
      assert.ok(observer.seen.all.every(({ qos, retained }) => qos === 1 && !retained));
      assert.equal(kinds(observer).includes('will'), false);
      assert.deepEqual(
        beats(observer)
          .slice(0, 3)
          .map(({ seq }) => seq),
        [0, 1, 2],
      );
    });

    it('that sleeps between beats stays out of sight in between', async () => {
      await using broker = await start();
      await using observer = await Observer.at(broker.url);
      const { device, events } = deviceAt(broker.url, { connection: 'per-beat', encoding: 'cbor' });
      device.start();
      await events.first((event) => event.name === 'beat' && event.seq === 9, 'ten beats');
      await device.stop({ retire: true });
      await observer.on('hb/v1/meter/d1/bye');
      assert.deepEqual(kinds(observer).slice(0, 3), ['birth', 'beat', 'beat']);
      assert.deepEqual(
        beats(observer)
          .slice(0, 10)
          .map(({ seq, session }) => [seq, session]),
        Array.from({ length: 10 }, (_, n) => [n, n + 1]),
      );
      assert.equal(kinds(observer).includes('will'), false);
    });

    it('that is thrown out by another client of its name comes back', async () => {
      await using broker = await start();
      const { device, events } = deviceAt(broker.url);
      device.start();
      await events.first(({ name: event }) => event === 'beat', 'a beat');
      const rival = deviceAt(broker.url, { deviceId: 'other', clientId: 'meter.d1' });
      rival.device.start();
      await rival.events.first(({ name: event }) => event === 'connect', 'the rival connects');
      await rival.device.stop({ timeout: 1 });
      await events.first(({ name: event }) => event === 'offline', 'thrown out');
      await events.first((event) => event.name === 'connect' && event.session > 1, 'back');
      await device.stop();
    });
  });
}

describe('a device and its broker’s failures', () => {
  it('a broker that restarts finds a new session with a fresh beat, and no old ones', async () => {
    const first = await AedesBroker.start();
    const { device, events } = deviceAt(first.url);
    device.start();
    await events.first(({ name }) => name === 'beat', 'a beat');
    await first[Symbol.asyncDispose]();
    await events.first((event) => event.name === 'missed' && event.seq > 3, 'beats missed');
    await using second = await AedesBroker.start({ port: first.port });
    await using observer = await Observer.at(second.url);
    await events.first((event) => event.name === 'connect' && event.session > 1, 'back');
    await observer.on('hb/v1/meter/d1/beat');
    await device.stop();
    const sequence = beats(observer).map(({ seq }) => seq ?? 0);
    assert.deepEqual(
      sequence,
      [...sequence].sort((a, b) => a - b),
    );
    assert.ok((sequence[0] ?? 0) > 4, 'the missed ones do not come');
  });

  it('a refusal is not final: it goes on trying', async () => {
    const strict = await AedesBroker.start({ password: 'right' });
    const { device, events } = deviceAt(strict.url, { username: 'd1', password: 'wrong' });
    device.start();
    const refused = await events.first(({ name }) => name === 'error', 'refused');
    assert.match(refused.name === 'error' ? refused.error.message : '', /127\.0\.0\.1.*Not authorized/);
    await events.first((event) => event.name === 'reconnect' && event.attempt > 2, 'trying');
    await strict[Symbol.asyncDispose]();
    await using open = await AedesBroker.start({ port: strict.port, password: 'wrong' });
    await events.first(({ name }) => name === 'beat', 'a beat');
    assert.deepEqual(open.clientIds, ['meter.d1']);
    await device.stop();
  });

  it('a beat that is never acknowledged is given up with its connection, and not sent again', async () => {
    await using broker = await AedesBroker.start({ stalls: (topic) => topic.endsWith('/beat') });
    const { device, events } = deviceAt(broker.url, { ackTimeout: 300, interval: '1h' });
    device.start();
    await events.first((event) => event.name === 'missed' && event.seq === 2, 'three beats given up');
    assert.ok(
      events.all
        .filter(({ name }) => name === 'missed')
        .every((event) => 'reason' in event && event.reason === 'not-acknowledged'),
    );
    await device.stop({ timeout: 500 });
  });

  it('a broker that refuses the subscription to probes has its beats all the same', async () => {
    await using broker = await AedesBroker.start({ refusesSubscriptions: true });
    const { device, events } = deviceAt(broker.url);
    device.start();
    const told = await events.first(({ name }) => name === 'error', 'told');
    assert.equal(told.name === 'error' && told.error.code, 'subscribe-failed');
    await events.first((event) => event.name === 'beat' && event.seq === 3, 'beats');
    await device.stop();
  });

  it('stop() ends in time when nobody ever listened', async () => {
    const broker = await AedesBroker.start();
    await broker[Symbol.asyncDispose]();
    const { device, events } = deviceAt(broker.url);
    device.start();
    await events.first(({ name }) => name === 'error', 'cannot connect');
    await device.stop({ timeout: '10s' });
    assert.deepEqual(events.all.at(-1), { name: 'stopped', byeAcknowledged: false });
  });
});
