import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Backoff } from './backoff.ts';

const delays = (backoff: Backoff, count: number, livedMs = 0) =>
  Array.from({ length: count }, () => backoff.nextDelayMs(livedMs));

describe('Backoff', () => {
  it('doubles its bound up to the maximum', () => {
    assert.deepEqual(
      delays(new Backoff(1_000, 10_000, () => 1), 6),
      [1_000, 2_000, 4_000, 8_000, 10_000, 10_000],
    );
  });

  it('draws from nothing to the bound', () => {
    assert.deepEqual(delays(new Backoff(1_000, 10_000, () => 0), 3), [0, 0, 0]);
    assert.deepEqual(delays(new Backoff(1_000, 10_000, () => 0.5), 3), [500, 1_000, 2_000]);
  });

  it('starts over after a connection that outlived the bound, and not after a shorter one', () => {
    const backoff = new Backoff(1_000, 60_000, () => 1);
    assert.deepEqual(delays(backoff, 4), [1_000, 2_000, 4_000, 8_000]);
    assert.equal(backoff.nextDelayMs(16_000), 16_000);
    assert.equal(backoff.nextDelayMs(32_001), 1_000);
    assert.equal(backoff.attempt, 1);
  });

  it('stays bounded after years of failures', () => {
    const backoff = new Backoff(1_000, 60_000, () => 1);
    assert.equal(delays(backoff, 100_000).at(-1), 60_000);
  });
});
