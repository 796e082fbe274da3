import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indexOf, LAWS, LENGTHS, MEAN, SURVIVAL } from './run-laws.ts';

const survival = (law: number, length: number): number =>
  SURVIVAL[indexOf(length) * LAWS.length + law] as number;

test('a law without decay is the geometric one of its stay', () => {
  LAWS.forEach(({ decay, stay }, law) => {
    if (decay > 0) return;
    for (const k of [1, 2, 7, 40]) assert.ok(Math.abs(survival(law, k) - stay ** (k - 1)) < 1e-6);
    assert.ok(Math.abs((MEAN[law] as number) * (1 - stay) - 1) < 0.01, `${stay}`);
  });
});

test('a burst that lasts for a time with a power-law tail follows the law of that decay', () => {
  // P(time ≥ k) = k^−1.5, rounded down to whole beats, has the decay 2.5.
  const law = LAWS.findIndex(({ decay, stay }) => decay === 2.5 && stay > 0.998);
  for (const k of [2, 5, 20, 100]) {
    const ratio = survival(law, k) / k ** -1.5;
    assert.ok(ratio > 0.75 && ratio < 1.15, `${ratio} at ${k}`);
  }
});

test('survival begins at one and never grows with the length', () => {
  LAWS.forEach((_, law) => {
    assert.ok(Math.abs(survival(law, 1) - 1) < 1e-12);
    for (let i = 1; i < LENGTHS.length; i++) {
      const [before, after] = [i - 1, i].map((row) => SURVIVAL[row * LAWS.length + law] as number) as [
        number,
        number,
      ];
      assert.ok(after <= before && after >= 0);
    }
  });
});

test('every length has the smallest tabulated one that is at least as long', () => {
  for (const k of [1, 2, 39.5, 40, 41, 44, 45, 1000, 29_000]) {
    const index = indexOf(k);
    assert.ok((LENGTHS[index] as number) >= k && (index === 0 || (LENGTHS[index - 1] as number) < k), `${k}`);
  }
  assert.equal(indexOf(1e9), LENGTHS.length - 1);
});
