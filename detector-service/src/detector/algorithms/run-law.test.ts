import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyMass, type Mass, meanLost, outageShare, runReach, runSurvival } from './run-law.ts';
import { LENGTHS, STAYS } from './run-laws.ts';

const STAY = 30;

/** A link that begins a run with `entry`, and has outages of any length up to 1/k as likely. */
const link = (entry: number, outage = 0): Mass => {
  const mass = emptyMass(Float64Array.from(LENGTHS, (length) => 1 / length));
  mass.values[STAY] = entry;
  mass.active[0] = STAY;
  mass.count = 1;
  mass.outage = outage;
  return mass;
};

test('runs of a link are geometric', () => {
  const p = STAYS[STAY] as number;
  const mass = link(1);
  for (const k of [1, 2, 5, 30, 60]) assert.ok(Math.abs(runSurvival(mass, k) / p ** (k - 1) - 1) < 0.01);
  assert.ok(Math.abs(meanLost(mass) * (1 - p) - 1) < 0.01);
});

test('where outages last longer than the link stays, they alone make the tail', () => {
  const mass = link(0.1, 0.001);
  assert.ok(Math.abs(runSurvival(mass, 400) / (0.001 / 400) - 1) < 0.02);
  assert.ok(outageShare(mass, 1) < 0.1);
  assert.ok(outageShare(mass, 100) > 0.99);
});

test('survival falls with the length, and reach finds where it passes the limit', () => {
  for (const mass of [link(0.5), link(0.01, 0.001), link(0, 0.5)]) {
    for (let k = 1; k < 300; k++) assert.ok(runSurvival(mass, k + 1) <= runSurvival(mass, k));
    for (const limit of [0.3, 0.01, 1e-4]) {
      const k = runReach(mass, limit);
      assert.ok(runSurvival(mass, k) <= limit * 1.001, `${limit}`);
      assert.ok(k === 1 || runSurvival(mass, k - 1) > limit * 0.999, `${limit}`);
    }
  }
});
