import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { logScale, percentile } from './log-bins.ts';

for (const [share, leastMs, bins] of [
  [0.05, 0.1, 192],
  [0.1, 1, 48],
] as const) {
  const scale = logScale(share, leastMs, bins);
  const largest = scale.valueOf(bins - 2);

  test(`a value from ${leastMs} to ${largest.toFixed(0)} is told to within ${share}`, () => {
    const value = fc.double({ min: leastMs, max: largest, noNaN: true });
    fc.assert(
      fc.property(value, (ms) => Math.abs(scale.valueOf(scale.binOf(ms)) - ms) <= ms * share * 1.0001),
    );
  });

  test(`a percentile is right to within ${share}, whatever was counted`, () => {
    const values = fc.array(fc.double({ min: leastMs, max: largest, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, quantile) => {
        const counts = new Uint32Array(bins);
        for (const ms of all) counts[scale.binOf(ms)] = (counts[scale.binOf(ms)] as number) + 1;
        const exact = [...all].sort((one, other) => one - other)[
          Math.ceil(quantile * all.length) - 1
        ] as number;
        return Math.abs(percentile(counts, 0, scale, quantile) - exact) <= exact * share * 1.0001;
      }),
    );
  });
}

test('nothing counted has no percentile', () => {
  assert.equal(percentile(new Uint32Array(48), 0, logScale(0.1, 1, 48), 0.5), 0);
});
