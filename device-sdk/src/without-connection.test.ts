import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { beats, HOUR, kinds, MINUTE, named, said, stopped, world } from './test-support/world.ts';

describe('a device without a connection', () => {
  it('counts a beat that falls due as missed, and never sends it later', async () => {
    const w = world({ jitter: 0 });
    w.device.start();
    w.clock.advance(MINUTE);
    w.network.refusal = new Error('down');
    w.network.cutAll();
    w.clock.advance(50 * MINUTE);
    assert.deepEqual(
      named(w.events, 'missed').map(({ seq, reason }) => [seq, reason]),
      [
        [1, 'not-connected'],
        [2, 'not-connected'],
        [3, 'not-connected'],
      ],
    );
    w.network.refusal = undefined;
    w.clock.advance(3 * MINUTE);
    assert.deepEqual(kinds(w.network), ['birth', 'beat', 'will', 'birth', 'beat']);
    const fresh = beats(w.network)[1];
    assert.equal(fresh?.seq, 4);
    assert.equal(fresh?.missed, 3);
    assert.ok((fresh?.session ?? 0) > 1);
    w.clock.advance(15 * MINUTE);
    const after = beats(w.network)[2];
    assert.equal((after?.at ?? 0) - (fresh?.at ?? 0), fresh?.nextMs);
    assert.equal(after?.missed, undefined, 'told once');
    await stopped(w);
  });

  it('does not send a beat again that was sent and not acknowledged', async () => {
    const w = world({ jitter: 0, ackTimeout: '20s' });
    w.device.start();
    w.clock.advance(MINUTE);
    w.network.acknowledges = false;
    w.clock.advance(14 * MINUTE + 10_000);
    w.network.acknowledges = true;
    w.clock.advance(2 * MINUTE);
    assert.deepEqual(named(w.events, 'missed'), [{ name: 'missed', seq: 1, reason: 'not-acknowledged' }]);
    assert.deepEqual(
      beats(w.network).map(({ seq, missed }) => [seq, missed]),
      [
        [0, undefined],
        [1, undefined],
        [2, 1],
      ],
    );
    assert.equal(named(w.events, 'offline')[0]?.error.code, 'no-answer');
    await stopped(w);
  });

  it('gives up a half-open connection when a beat stays unanswered', async () => {
    const w = world({ jitter: 0, ackTimeout: '20s', connectTimeout: '10s' });
    w.device.start();
    w.clock.advance(MINUTE);
    w.network.reachable = false;
    w.clock.advance(15 * MINUTE);
    assert.equal(w.device.connected, false);
    w.network.reachable = true;
    w.clock.advance(3 * MINUTE);
    assert.equal(w.device.connected, true);
    assert.ok(named(w.events, 'error').every(({ error }) => error.code === 'no-answer'));
    await stopped(w);
  });

  it('keeps trying after a refusal, ever more slowly, up to the bound, and spread out', async () => {
    const w = world({ reconnect: { minMs: '1s', maxMs: '1m' } });
    w.network.refusal = new Error('Connection refused: Not authorized');
    w.device.start();
    w.clock.advance(2 * HOUR);
    const errors = named(w.events, 'error');
    assert.ok(errors.every(({ error }) => error.code === 'connect-failed'));
    assert.match(errors[0]?.error.message ?? '', /cannot connect: Connection refused: Not authorized/);
    const waits = named(w.events, 'reconnect').map(({ delayMs }) => delayMs);
    assert.ok(waits.length > 2 * 60, 'a wait is half a minute on average');
    waits.forEach((wait, index) => {
      assert.ok(wait <= Math.min(60_000, 1_000 * 2 ** index), `wait ${index}`);
    });
    assert.ok(new Set(waits.slice(10)).size > 100, 'not in step');
    w.network.refusal = undefined;
    w.clock.advance(MINUTE + 10);
    assert.equal(w.device.connected, true);
    await stopped(w);
  });

  it('backs off also from a broker that accepts and cuts at once', async () => {
    const w = world({ reconnect: { minMs: '1s', maxMs: '1m' } });
    const rival = () => w.network.open({ clientId: 'meter.d1', keepaliveS: 0, connectTimeoutMs: 1 }, idle);
    const idle = { opened() {}, message() {}, closed() {} };
    w.device.on('connect', rival);
    w.device.start();
    w.clock.advance(HOUR);
    assert.ok(named(w.events, 'connect').length < 200, 'instead of thousands');
    await stopped(w);
  });

  it('tells the end of a connection once, and then the failed attempts to make a new one', async () => {
    const w = world();
    w.device.start();
    w.clock.advance(MINUTE);
    w.network.refusal = new Error('down');
    w.network.cutAll();
    w.clock.advance(10_000);
    const names = w.events.all.map(({ name }) => name).filter((name) => name !== 'reconnect');
    assert.deepEqual(names.slice(0, 4), ['connect', 'beat', 'offline', 'error']);
    assert.equal(names.filter((name) => name === 'offline').length, 1);
    const [offline] = named(w.events, 'offline');
    assert.equal(offline?.session, 1);
    assert.equal(offline?.error.code, 'connection-lost');
    assert.match(offline?.error.message ?? '', /the connection ended: reset by peer/);
    await stopped(w);
  });

  it('numbers its sessions upward, and repeats none', async () => {
    const w = world({ reconnect: { minMs: 1, maxMs: 1000 } });
    w.device.start();
    for (let round = 0; round < 20; round += 1) {
      w.clock.advance(20 * MINUTE);
      w.network.cutAll();
    }
    w.clock.advance(20 * MINUTE);
    const sessions = said(w.network, 'birth').map(({ session }) => session as number);
    assert.equal(sessions.length, 21);
    assert.deepEqual(
      sessions,
      [...new Set(sessions)].sort((a, b) => a - b),
    );
    await stopped(w);
  });
});
