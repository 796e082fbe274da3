import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReconnectWait } from './reconnect-wait.ts';

describe('the wait before the next attempt', () => {
  it('doubles up to its bound, never falls under half of it, and starts over after a success', () => {
    for (const [random, share] of [
      [() => 0, 0.5],
      [() => 0.999999, 1],
    ] as const) {
      const wait = new ReconnectWait({ minMs: 500, maxMs: 30_000, random });
      const waits = Array.from({ length: 9 }, () => wait.nextMs());
      const bounds = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000];
      assert.deepEqual(
        waits,
        bounds.map((boundMs) => boundMs * share),
      );
      assert.equal(wait.failures, 9);
      wait.succeeded();
      assert.deepEqual([wait.failures, wait.nextMs()], [0, 500 * share]);
    }
  });
});
