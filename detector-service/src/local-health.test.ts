import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LocalHealth } from './local-health.ts';

describe('local health', () => {
  it('is blind from the first cause until the last one ends', () => {
    const health = new LocalHealth();
    assert.deepEqual(health.began('restart', 10), [
      { evidence: { kind: 'monitor', up: false, cause: 'restart' }, at: 10 },
    ]);
    assert.deepEqual(health.began('broker-link', 20), []);
    assert.deepEqual(health.ended('restart', 30), []);
    assert.deepEqual(health.ended('broker-link', 50), [
      { evidence: { kind: 'monitor', up: true, cause: 'broker-link' }, at: 50 },
    ]);
    assert.equal(health.blindMs(60), 40);
  });

  it('says nothing twice when a link reports the same state again', () => {
    const health = new LocalHealth();
    assert.deepEqual(health.ended('broker-link', 1), []);
    assert.equal(health.began('broker-link', 2).length, 1);
    assert.deepEqual(health.began('broker-link', 3), []);
  });

  it('turns a pause into blind time that is already over, unless it was blind anyway', () => {
    const health = new LocalHealth();
    const pause = { fromAt: 100, untilAt: 400, cause: 'pause' } as const;
    assert.deepEqual(health.missed(pause), [
      { evidence: { kind: 'monitor', up: false, cause: 'pause' }, at: 100 },
      { evidence: { kind: 'monitor', up: true, cause: 'pause' }, at: 400 },
    ]);
    health.began('broker-link', 500);
    assert.deepEqual(health.missed({ fromAt: 600, untilAt: 900, cause: 'pause' }), []);
    health.ended('broker-link', 1000);
    assert.equal(health.blindMs(2000), 800);
  });
});
