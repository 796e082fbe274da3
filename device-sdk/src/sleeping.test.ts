import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { beats, HOUR, kinds, MINUTE, named, said, stopped, world } from './test-support/world.ts';

describe('a device that sleeps between beats', () => {
  it('connects for each beat and says birth once', async () => {
    const w = world({ connection: 'per-beat', jitter: 0 });
    w.device.start();
    w.clock.advance(2 * HOUR + MINUTE);
    assert.deepEqual(kinds(w.network), ['birth', ...Array(9).fill('beat')]);
    assert.equal(w.network.connectedAt.length, 9);
    assert.deepEqual(w.network.clientIds, []);
    assert.deepEqual(
      beats(w.network)
        .map(({ seq, session }) => [seq, session])
        .slice(0, 3),
      [
        [0, 1],
        [1, 2],
        [2, 3],
      ],
    );
    assert.equal(named(w.events, 'offline').length, 0);
    assert.equal(said(w.network, 'birth')[0]?.capabilities, undefined);
    await stopped(w);
  });

  it('leaves no will, not even when it is cut off', async () => {
    const w = world({ connection: 'per-beat' });
    w.network.acknowledges = false;
    w.device.start();
    w.clock.advance(1_000);
    w.network.cutAll();
    assert.deepEqual(said(w.network, 'will'), []);
    await stopped(w);
  });

  it('says birth again when the first was not acknowledged, when something changed, and after a day', async () => {
    const w = world({ connection: 'per-beat', interval: '1h', jitter: 0, ackTimeout: '5s' });
    w.network.acknowledges = false;
    w.device.start();
    w.clock.advance(2_000);
    w.network.acknowledges = true;
    w.clock.advance(10_000);
    assert.equal(said(w.network, 'birth').length, 2, 'not acknowledged');
    w.clock.advance(2 * HOUR);
    w.device.setInterval('2h');
    w.clock.advance(3 * HOUR);
    assert.equal(said(w.network, 'birth').length, 3, 'another interval');
    w.clock.advance(26 * HOUR);
    assert.equal(said(w.network, 'birth').length, 4, 'a day');
    await stopped(w);
  });

  it('makes three attempts per wake-up, then sleeps until the next', async () => {
    const w = world({ connection: 'per-beat', jitter: 0 });
    w.network.refusal = new Error('down');
    w.device.start();
    w.clock.advance(10 * MINUTE);
    assert.equal(w.network.connectedAt.length, 3);
    assert.deepEqual(named(w.events, 'missed'), [{ name: 'missed', seq: 0, reason: 'not-connected' }]);
    assert.equal(named(w.events, 'reconnect').length, 2);
    w.network.refusal = undefined;
    w.clock.advance(6 * MINUTE);
    assert.deepEqual(
      beats(w.network).map(({ seq, missed }) => [seq, missed]),
      [[1, 1]],
    );
    await stopped(w);
  });

  it('is as eager at the next wake-up as at the first', async () => {
    const w = world({ connection: 'per-beat', jitter: 0, random: () => 0.999 });
    w.network.refusal = new Error('down');
    w.device.start();
    w.clock.advance(40 * MINUTE);
    assert.deepEqual(
      named(w.events, 'reconnect').map(({ attempt, delayMs }) => [attempt, delayMs]),
      [1, 2, 1, 2, 1, 2].map((attempt) => [attempt, 999 * attempt]),
    );
    await stopped(w);
  });

  it('counts a beat that was sent and not acknowledged once, at each attempt a fresh one', async () => {
    const w = world({ connection: 'per-beat', jitter: 0, ackTimeout: '5s' });
    w.network.acknowledges = false;
    w.device.start();
    w.clock.advance(10 * MINUTE);
    assert.deepEqual(
      named(w.events, 'missed').map(({ seq, reason }) => [seq, reason]),
      [0, 1, 2].map((seq) => [seq, 'not-acknowledged']),
    );
    await stopped(w);
  });

  it('counts the beats that fall due while an attempt hangs', async () => {
    const w = world({ connection: 'per-beat', interval: '1m', jitter: 0, connectTimeout: '50s' });
    w.network.reachable = false;
    w.device.start();
    w.clock.advance(10 * MINUTE);
    w.network.reachable = true;
    w.clock.advance(3 * MINUTE);
    const first = beats(w.network)[0];
    assert.equal(first?.missed, first?.seq, 'every number used so far was a beat lost');
    await stopped(w);
  });

  it('wakes on request', async () => {
    const w = world({ connection: 'per-beat', jitter: 0 });
    w.device.start();
    w.clock.advance(5 * MINUTE);
    assert.equal(w.device.beatNow(), true);
    w.clock.advance(MINUTE);
    assert.deepEqual(
      beats(w.network).map(({ at }) => Math.round(at / MINUTE)),
      [0, 5],
    );
    w.clock.advance(15 * MINUTE);
    assert.deepEqual(
      beats(w.network).map(({ at }) => Math.round(at / MINUTE)),
      [0, 5, 20],
    );
    await stopped(w);
  });

  it('beats with QoS 0 too, and does not sleep before its birth is acknowledged', async () => {
    const w = world({ connection: 'per-beat', jitter: 0, qos: 0 });
    w.device.start();
    w.clock.advance(HOUR);
    assert.deepEqual(kinds(w.network), ['birth', 'beat', 'beat', 'beat', 'beat']);
    await stopped(w);
  });

  it('wakes up to say bye', async () => {
    const w = world({ connection: 'per-beat' });
    w.device.start();
    w.clock.advance(MINUTE);
    await stopped(w, { retire: true });
    assert.deepEqual(
      said(w.network, 'bye').map(({ retire, session }) => [retire, session]),
      [[true, 2]],
    );
    assert.deepEqual(w.events.all.at(-1), { name: 'stopped', byeAcknowledged: true });
  });
});
