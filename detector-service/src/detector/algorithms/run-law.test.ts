import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyMass, LAWS, type Mass, meanLost, runReach, runSurvival, STAYS } from './run-law.ts';

const certain = (law: number, stay: number): Mass => {
  const mass = emptyMass();
  const at = law * STAYS.length + stay;
  mass.values[at] = 1;
  mass.active[0] = at;
  mass.count = 1;
  return mass;
};

test('the memoryless law is geometric', () => {
  const stay = 30;
  const p = STAYS[stay] as number;
  const mass = certain(LAWS - 1, stay);
  for (const k of [1, 2, 5, 30, 60]) assert.ok(Math.abs(runSurvival(mass, k) / p ** (k - 1) - 1) < 0.01);
  assert.ok(Math.abs(meanLost(mass) * (1 - p) - 1) < 0.01);
});

test('the bursty law has the power-law tail its concentration says', () => {
  const mass = certain(0, 20);
  const exponent = Math.log(runSurvival(mass, 200) / runSurvival(mass, 2000)) / Math.log(10);
  assert.ok(Math.abs(exponent - 2.5 * (1 - (STAYS[20] as number))) < 0.1, `${exponent}`);
});

test('survival falls with the length, and reach finds where it passes the limit', () => {
  for (let law = 0; law < LAWS; law++) {
    const mass = certain(law, 25);
    for (let k = 1; k < 300; k++) assert.ok(runSurvival(mass, k + 1) <= runSurvival(mass, k));
    for (const limit of [0.3, 0.01, 1e-4]) {
      const k = runReach(mass, limit);
      assert.ok(
        runSurvival(mass, k) <= limit * 1.001 && runSurvival(mass, k - 1) > limit * 0.999,
        `${law} ${limit}`,
      );
    }
  }
});
