import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from './clock.ts';
import { OPTION_NAMES, settingsFrom } from './option-check.ts';
import type { DeviceOptions } from './options.ts';
import { MemoryNetwork } from './test-support/memory-network.ts';

const transport = new MemoryNetwork(systemClock);
const needed = { deviceId: 'd1', class: 'meter', interval: '15m', transport };

describe('options', () => {
  it('have defaults', () => {
    const before = Date.now();
    const { generation, ...settings } = settingsFrom({ ...needed, transport });
    assert.ok(generation >= before && generation <= Date.now());
    assert.deepEqual(settings, {
      deviceId: 'd1',
      deviceClass: 'meter',
      root: 'hb/v1',
      intervalMs: 900_000,
      jitter: 0.1,
      username: undefined,
      password: undefined,
      clientId: 'meter.d1',
      keepaliveS: 60,
      connectTimeoutMs: 30_000,
      ackTimeoutMs: 30_000,
      qos: 1,
      encoding: 'json',
      site: undefined,
      gateway: undefined,
      firmware: undefined,
      reconnectMinMs: 1_000,
      reconnectMaxMs: 120_000,
      perBeat: false,
      telemetry: undefined,
      logger: undefined,
      transport,
      clock: systemClock,
      random: Math.random,
    });
  });

  it('take durations as numbers and as text', () => {
    const settings = settingsFrom({
      ...needed,
      interval: 60_000,
      ackTimeout: '5s',
      reconnect: { minMs: 10, maxMs: '1m' },
    });
    assert.equal(settings.intervalMs, 60_000);
    assert.equal(settings.ackTimeoutMs, 5_000);
    assert.deepEqual([settings.reconnectMinMs, settings.reconnectMaxMs], [10, 60_000]);
  });

  const wrong: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
    ['deviceId', { deviceId: undefined }, /is required/],
    ['deviceId', { deviceId: 'a b' }, /must start with a letter or digit.*\(is 'a b'\)/],
    ['class', { class: '' }, /must start/],
    ['interval', { interval: undefined }, /is required.*"15m"/],
    ['interval', { interval: '15' }, /milliseconds from 100 to.*"1h30m".*\(is '15'\)/],
    ['interval', { interval: 99 }, /\(is 99\)/],
    ['interval', { interval: Number.NaN }, /\(is NaN\)/],
    ['interval', { interval: '300d' }, /milliseconds from/],
    ['jitter', { jitter: 0.6 }, /number from 0 to 0.5/],
    ['jitter', { jitter: '0.1' }, /number from 0 to 0.5/],
    ['root', { root: 'a/#' }, /without wildcards/],
    ['root', { root: 7 }, /without wildcards/],
    ['username', { username: 'a\nb' }, /without control characters/],
    ['password', { password: 7 }, /must be a string/],
    ['clientId', { clientId: '' }, /1 to 256 characters/],
    ['firmware', { firmware: 'x'.repeat(65) }, /1 to 64 characters/],
    ['keepalive', { keepalive: 1.5 }, /whole number from 0 to 65535/],
    ['keepalive', { keepalive: 70_000 }, /whole number from 0 to 65535/],
    ['connectTimeout', { connectTimeout: 0 }, /milliseconds from 1/],
    ['ackTimeout', { ackTimeout: '-1s' }, /milliseconds from 1/],
    ['qos', { qos: 2 }, /must be 0 or 1 \(is 2\)/],
    ['encoding', { encoding: 'xml' }, /must be "json" or "cbor"/],
    ['generation', { generation: -1 }, /whole number/],
    ['generation', { generation: 2 ** 53 }, /whole number/],
    ['site', { site: 'Haus 3' }, /must start with/],
    ['gateway', { gateway: null }, /must start with/],
    ['reconnect.minMs', { reconnect: { minMs: 0 } }, /milliseconds from 1/],
    ['reconnect.maxMs', { reconnect: { minMs: 5_000, maxMs: 1_000 } }, /milliseconds from 5000/],
    ['reconnect', { reconnect: 5 }, /minMs and maxMs/],
    ['reconnect.min', { reconnect: { min: 5 } }, /is not an option/],
    ['connection', { connection: 'lazy' }, /must be "persistent" or "per-beat"/],
    ['telemetry', { telemetry: {} }, /must be a function/],
    ['logger', { logger: { info() {} } }, /must have debug, info, warn, error/],
    ['transport', { transport: {} }, /must have open/],
    ['transport', { transport: null }, /must have open/],
    ['clock', { clock: { now() {} } }, /must have now, epochMs, setTimer/],
    ['random', { random: 0.5 }, /must be a function/],
    ['url', { transport: undefined }, /is required, such as/],
    ['ca', { ca: 'PEM', transport: undefined, url: 'mqtt://h' }, /mqtts/],
    [
      'rejectUnauthorized',
      { rejectUnauthorized: 'no', transport: undefined, url: 'mqtts://h' },
      /true or false/,
    ],
    ['intervall', { intervall: '15m' }, /is not an option; the options are url, deviceId/],
  ];
  for (const [option, change, message] of wrong) {
    it(`refuse ${JSON.stringify(change)} and say how to put it right`, () => {
      const options = { ...needed, ...change } as unknown as DeviceOptions;
      assert.throws(() => settingsFrom(options), {
        name: 'DeviceError',
        code: 'invalid-option',
        option,
        message,
      });
    });
  }

  it('that are none at all are refused too', () => {
    for (const nothing of [undefined, null, 'mqtt://h']) {
      assert.throws(() => settingsFrom(nothing as unknown as DeviceOptions), { code: 'invalid-option' });
    }
  });

  it('never show a secret, not even a wrong one', () => {
    for (const change of [{ password: { secret: 1 } }, { url: 'mqtt//u:secret@h', transport: undefined }]) {
      const options = { ...needed, ...change } as unknown as DeviceOptions;
      assert.throws(
        () => settingsFrom(options),
        (error: Error) => !error.message.includes('secret'),
      );
    }
  });

  it('are all known by name', () => {
    assert.equal(new Set(OPTION_NAMES).size, OPTION_NAMES.length);
  });
});
