import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poissonInterval } from './poisson.ts';

/** Exact 95 % limits as tabulated since Garwood (Biometrika 28, 1936). */
const TABLE: readonly [count: number, low: number, high: number][] = [
  [0, 0, 3.689],
  [1, 0.0253, 5.572],
  [2, 0.2422, 7.225],
  [10, 4.795, 18.39],
  [50, 37.11, 65.92],
  [100, 81.36, 121.63],
  [1000, 938.97, 1063.94],
];

for (const [count, low, high] of TABLE) {
  test(`a count of ${count} stands for ${low} to ${high}`, () => {
    const [foundLow, foundHigh] = poissonInterval(count);
    assert.ok(Math.abs(foundLow - low) <= 0.002 * low + 1e-4, `low ${foundLow}`);
    assert.ok(Math.abs(foundHigh - high) <= 0.002 * high, `high ${foundHigh}`);
  });
}

test('the exact and the approximate range join without a step', () => {
  const [low, high] = poissonInterval(200);
  const [nextLow, nextHigh] = poissonInterval(201);
  assert.ok(nextLow > low && nextLow - low < 1.2);
  assert.ok(nextHigh > high && nextHigh - high < 1.2);
});
