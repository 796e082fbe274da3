import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from './backoff.ts';

test('pauses double up to the cap and begin again after a success', () => {
  const backoff = new Backoff({ initialMs: 100, maxMs: 1000 }, () => 1);
  assert.deepEqual(
    Array.from({ length: 6 }, () => backoff.nextMs()),
    [100, 200, 400, 800, 1000, 1000],
  );
  backoff.reset();
  assert.equal(backoff.nextMs(), 100);
});

test('chance takes away half at most, and never from what the server asked for', () => {
  const backoff = new Backoff({ initialMs: 100, maxMs: 1000 }, () => 0);
  assert.equal(backoff.nextMs(), 50);
  assert.equal(backoff.nextMs(5000), 5000);
  assert.equal(backoff.nextMs(86_400_000), 3_600_000);
});
