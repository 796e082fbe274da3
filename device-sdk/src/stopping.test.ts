import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { beats, HOUR, kinds, MINUTE, named, said, stopped, type World, world } from './test-support/world.ts';

describe('stop()', () => {
  it('says bye with the plan, then disconnects without a will', async () => {
    for (const [options, expected] of [
      [{ sleepFor: '8h' }, { sleepMs: 8 * HOUR }],
      [{ maintenanceFor: 90_000 }, { maintenanceMs: 90_000 }],
      [{ retire: true }, { retire: true }],
      [{}, {}],
    ] as const) {
      const w = world();
      w.device.start();
      w.clock.advance(MINUTE);
      await stopped(w, options);
      const [bye] = said(w.network, 'bye').map(({ at, ...message }) => message);
      assert.deepEqual(bye, { generation: 7, session: 1, uptimeS: 60, ...expected });
      assert.deepEqual(kinds(w.network), ['birth', 'beat', 'bye']);
      assert.deepEqual(w.events.all.at(-1), { name: 'stopped', byeAcknowledged: true });
      assert.equal(w.clock.pending, 0);
    }
  });

  it('resolves in time when the broker is gone, and when it never answers', async () => {
    for (const break_ of [
      ({ network }: World) => {
        network.reachable = false;
      },
      ({ network }: World) => {
        network.acknowledges = false;
      },
      ({ network }: World) => {
        network.refusal = new Error('down');
        network.cutAll();
      },
    ]) {
      const w = world();
      w.device.start();
      w.clock.advance(MINUTE);
      break_(w);
      const stopping = w.device.stop({ timeout: '3s' });
      w.clock.advance(3_000);
      await stopping;
      assert.deepEqual(named(w.events, 'stopped'), [{ name: 'stopped', byeAcknowledged: false }]);
      w.clock.advance(HOUR);
      assert.equal(w.events.all.at(-1)?.name, 'stopped');
      assert.equal(w.clock.pending, 0);
    }
  });

  it('takes the will back even when the bye was not acknowledged', async () => {
    const w = world();
    w.device.start();
    w.clock.advance(MINUTE);
    w.network.acknowledges = false;
    await stopped(w);
    assert.deepEqual(kinds(w.network), ['birth', 'beat', 'bye']);
  });

  it('connects no more once its time is up, also when the connection before it closes late', async () => {
    const w = world({ connection: 'per-beat' });
    w.device.start();
    // Its beat is acknowledged after 4 ms; the goodbye that follows reaches nobody.
    w.clock.advance(4);
    w.network.reachable = false;
    const stopping = w.device.stop({ timeout: '1s' });
    w.clock.advance(1_000);
    await stopping;
    w.network.reachable = true;
    w.clock.advance(MINUTE);
    assert.equal(w.network.connectedAt.length, 1);
    assert.equal(w.clock.pending, 0);
  });

  it('tries once to reach the broker when there is no connection, and introduces itself before it says bye', async () => {
    const w = world({ reconnect: { minMs: '10m', maxMs: '10m' } });
    w.network.refusal = new Error('down');
    w.device.start();
    w.clock.advance(1_000);
    w.network.refusal = undefined;
    await stopped(w);
    assert.deepEqual(kinds(w.network), ['birth', 'bye']);
  });

  it('before start() tells nobody and ends at once', async () => {
    const w = world();
    await w.device.stop();
    assert.deepEqual(w.events.all, [{ name: 'stopped', byeAcknowledged: false }]);
    assert.equal(w.network.connectedAt.length, 0);
    assert.throws(() => w.device.start(), { code: 'stopped' });
  });

  it('is one and the same, however often it is called, also from its own event', async () => {
    const w = world();
    w.device.on('stopped', () => void w.device.stop());
    w.device.start();
    w.clock.advance(MINUTE);
    const first = w.device.stop();
    assert.equal(w.device.stop({ retire: true }), first);
    w.clock.advance(MINUTE);
    await first;
    assert.equal(named(w.events, 'stopped').length, 1);
  });

  it('rejects options that cannot be meant, and the device beats on', async () => {
    const w = world();
    w.device.start();
    w.clock.advance(MINUTE);
    await assert.rejects(w.device.stop({ sleepFor: 'long' }), { code: 'invalid-option', option: 'sleepFor' });
    await assert.rejects(w.device.stop({ sleepFor: '1h', retire: true }), /one of sleepFor/);
    for (const wrong of [{ sleepfor: '1h' }, { retire: 'yes' }, { timeout: 0 }, null, 'now']) {
      await assert.rejects(w.device.stop(wrong as never), { code: 'invalid-option' });
    }
    w.clock.advance(HOUR);
    assert.ok(beats(w.network).length > 3);
    await stopped(w);
  });

  it('may be called by a listener of any event', async () => {
    for (const name of ['connect', 'beat', 'offline', 'reconnect', 'missed', 'ping', 'error'] as const) {
      for (const connection of ['persistent', 'per-beat'] as const) {
        const w = world({ connection, ackTimeout: '10s' });
        w.device.on(name, () => void w.device.stop());
        w.device.start();
        w.clock.advance(MINUTE);
        w.network.publish('hb/v1/meter/d1/ping', new Uint8Array());
        w.clock.advance(MINUTE);
        w.network.refusal = new Error('down');
        w.network.cutAll();
        w.clock.advance(HOUR);
        await stopped(w);
        assert.equal(named(w.events, 'stopped').length, 1, name);
        assert.equal(w.events.all.at(-1)?.name, 'stopped', name);
        assert.equal(w.clock.pending, 0, name);
      }
    }
  });

  it('is what disposing means', async () => {
    const w = world();
    w.device.start();
    w.clock.advance(MINUTE);
    const disposing = w.device[Symbol.asyncDispose]();
    w.clock.advance(MINUTE);
    await disposing;
    assert.equal(said(w.network, 'bye').length, 1);
  });
});
