import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeviceError } from './errors.ts';
import { beats, HOUR, kinds, MINUTE, named, said, stopped, world } from './test-support/world.ts';

describe('a connected device', () => {
  it('says birth, then beats at once, each with what the protocol asks for', async () => {
    const w = world({ site: 'north', gateway: 'gw1', firmware: '1.4.2', username: 'u', password: 'p' });
    w.device.start();
    w.clock.advance(1_000);
    assert.deepEqual(kinds(w.network), ['birth', 'beat']);
    const [birth] = said(w.network, 'birth');
    assert.deepEqual(birth, {
      at: 3,
      generation: 7,
      session: 1,
      uptimeS: 0,
      deviceTimeMs: Date.UTC(2026, 0, 1) + 2,
      intervalMs: 15 * MINUTE,
      firmware: '1.4.2',
      site: 'north',
      gateway: 'gw1',
      capabilities: ['ping'],
    });
    const [beat] = beats(w.network);
    assert.deepEqual(
      { ...beat, nextMs: 0 },
      { at: 3, generation: 7, session: 1, seq: 0, uptimeS: 0, nextMs: 0 },
    );
    await stopped(w);
  });

  it('beats exactly when it announced to, and spreads its gaps over interval ± jitter', async () => {
    const w = world({ jitter: 0.2 });
    w.device.start();
    w.clock.advance(30 * HOUR);
    const sent = beats(w.network);
    assert.ok(sent.length > 100);
    sent.slice(1).forEach((beat, index) => {
      assert.equal(beat.at - (sent[index]?.at ?? 0), sent[index]?.nextMs, `beat ${beat.seq}`);
      assert.equal(beat.seq, index + 1);
    });
    const gaps = sent.map(({ nextMs }) => nextMs ?? 0);
    assert.ok(Math.min(...gaps) >= 12 * MINUTE && Math.max(...gaps) <= 18 * MINUTE);
    assert.ok(Math.min(...gaps) < 13 * MINUTE && Math.max(...gaps) > 17 * MINUTE);
    await stopped(w);
  });

  it('reports the round trip of the beat before', async () => {
    const w = world();
    w.network.latencyMs = 120;
    w.device.start();
    w.clock.advance(HOUR);
    assert.deepEqual(
      beats(w.network)
        .map(({ roundTripMs }) => roundTripMs)
        .slice(0, 3),
      [undefined, 240, 240],
    );
    assert.equal(named(w.events, 'beat')[0]?.roundTripMs, 240);
    await stopped(w);
  });

  it('has a will with its generation and session, without retain', async () => {
    const w = world();
    w.device.start();
    w.clock.advance(MINUTE);
    w.network.cutAll();
    assert.deepEqual(said(w.network, 'will'), [{ at: MINUTE, generation: 7, session: 1 }]);
    await stopped(w);
  });

  it('sends telemetry, and beats without it when it fails or makes no sense', async () => {
    const readings = [
      () => ({ batteryPercent: 87, rssiDbm: -71 }),
      () => ({ batteryPercent: 103, rssiDbm: -71 }),
      () => {
        throw new Error('no sensor');
      },
    ];
    const warnings: string[] = [];
    const logger = { debug() {}, info() {}, warn: (text: string) => void warnings.push(text), error() {} };
    const w = world({ telemetry: () => readings.shift()?.() ?? {}, logger });
    w.device.start();
    w.clock.advance(HOUR);
    const seen = beats(w.network).map(({ batteryPercent, rssiDbm }) => [batteryPercent, rssiDbm]);
    assert.deepEqual(seen.slice(0, 4), [
      [87, -71],
      [undefined, -71],
      [undefined, undefined],
      [undefined, undefined],
    ]);
    assert.match(warnings[0] ?? '', /telemetry failed.*no sensor/);
    await stopped(w);
  });

  it('follows a new interval after the beat already announced, and says birth again with it', async () => {
    const w = world({ jitter: 0 });
    w.device.start();
    w.clock.advance(MINUTE);
    w.device.setInterval('1m');
    w.clock.advance(16.5 * MINUTE);
    const times = beats(w.network).map(({ at }) => at - 3);
    assert.deepEqual(times, [0, 15 * MINUTE, 16 * MINUTE, 17 * MINUTE]);
    assert.deepEqual(
      said(w.network, 'birth').map(({ at, intervalMs }) => [at - 3, intervalMs]),
      [
        [0, 15 * MINUTE],
        [15 * MINUTE, MINUTE],
      ],
    );
    assert.throws(() => w.device.setInterval('soon'), { code: 'invalid-option', option: 'interval' });
    await stopped(w);
  });

  it('beats on request and plans anew from there', async () => {
    const w = world({ jitter: 0 });
    assert.equal(w.device.beatNow(), false, 'not started');
    w.device.start();
    assert.equal(w.device.beatNow(), false, 'not connected');
    w.clock.advance(5 * MINUTE);
    assert.equal(w.device.beatNow(), true);
    w.clock.advance(16 * MINUTE);
    assert.deepEqual(
      beats(w.network).map(({ at, seq }) => [Math.round(at / MINUTE), seq]),
      [
        [0, 0],
        [5, 1],
        [20, 2],
      ],
    );
    await stopped(w);
    assert.equal(w.device.beatNow(), false, 'stopped');
  });

  it('answers a probe with its nonce, one at a time, and nothing that is no probe', async () => {
    const w = world();
    w.device.start();
    w.clock.advance(MINUTE);
    const ping = (text: string) => w.network.publish('hb/v1/meter/d1/ping', new TextEncoder().encode(text));
    ping('{"x":9}');
    ping('{"x":10}');
    ping('nonsense');
    w.clock.advance(MINUTE);
    ping('');
    w.clock.advance(MINUTE);
    const answers = said(w.network, 'pong').map(({ at, ...pong }) => pong);
    assert.deepEqual(answers, [
      { generation: 7, session: 1, nonce: 9, uptimeS: 60 },
      { generation: 7, session: 1, uptimeS: 120 },
    ]);
    assert.deepEqual(named(w.events, 'ping'), [{ name: 'ping', nonce: 9 }, { name: 'ping' }]);
    await stopped(w);
  });
});

describe('events', () => {
  it('reach no listener that was removed', async () => {
    const w = world();
    let heard = 0;
    const remove = w.device.on('beat', () => {
      heard += 1;
    });
    w.device.start();
    w.clock.advance(MINUTE);
    remove();
    w.clock.advance(HOUR);
    assert.equal(heard, 1);
    await stopped(w);
  });

  it('tell a refused subscription, and the device beats on', async () => {
    const w = world();
    const open = w.network.open.bind(w.network);
    w.network.open = (request, events) => {
      const connection = open(request, events);
      connection.subscribe = (_topic, done) =>
        void w.clock.setTimer(1, () => done(new Error('Unspecified error')));
      return connection;
    };
    w.device.start();
    w.clock.advance(HOUR);
    const [told] = named(w.events, 'error');
    assert.ok(told?.error instanceof DeviceError);
    assert.equal(told.error.code, 'subscribe-failed');
    assert.ok(beats(w.network).length > 3);
    await stopped(w);
  });
});
