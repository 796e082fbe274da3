import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LogHistogram } from './log-histogram.ts';

const value = fc.oneof(fc.constant(0), fc.double({ min: 1, max: 1e15, noNaN: true }));

test('a quantile is right to one percent and the mean exact, whatever the values', () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 60 }), (values) => {
      const histogram = new LogHistogram();
      for (const one of values) histogram.add(one);
      const { mean, p50, p95 } = histogram.distribution() ?? assert.fail();
      const sorted = [...values].sort((a, b) => a - b);
      for (const [q, found] of [
        [0.5, p50],
        [0.95, p95],
      ] as const) {
        const exact = sorted[Math.ceil(q * values.length - 1e-9) - 1] as number;
        assert.ok(Math.abs(found - exact) <= 0.0101 * exact, `p${q} ${found} is not ${exact}`);
      }
      const exact = values.reduce((sum, one) => sum + one, 0) / values.length;
      assert.ok(Math.abs(mean - exact) <= 1e-9 * exact, `mean ${mean} is not ${exact}`);
    }),
  );
});

test('weights count like repetitions', () => {
  const weighted = new LogHistogram();
  const repeated = new LogHistogram();
  for (const [one, times] of [
    [0, 2],
    [3, 5],
    [700, 1],
  ] as const) {
    weighted.add(one, times);
    for (let i = 0; i < times; i += 1) repeated.add(one);
  }
  assert.deepEqual(weighted.distribution(), repeated.distribution());
});

test('a narrow span weighs what it holds, even where many lie in one bucket', () => {
  const histogram = new LogHistogram();
  for (let i = 0; i < 1000; i += 1) histogram.addSpan(1_000_000, 1_000_010);
  for (let i = 0; i < 1000; i += 1) histogram.addSpan(10, 19);
  const { mean, p50, p95 } = histogram.distribution() ?? assert.fail();
  assert.equal(histogram.total, 19_000);
  assert.ok(Math.abs(mean - (1_000_005 * 10 + 14.5 * 9) / 19) < 1, String(mean));
  assert.ok(Math.abs(p50 - 1e6) < 1e4, String(p50));
  assert.ok(Math.abs(p95 - 1e6) < 1e4, String(p95));
});

test('what is below the least value counts as zero, also the part of a span', () => {
  const histogram = new LogHistogram(1);
  histogram.addSpan(0, 0.5);
  histogram.add(0.2, 3);
  histogram.addSpan(0, 4.5);
  assert.equal(histogram.total, 8);
  const { p50, p95 } = histogram.distribution() ?? assert.fail();
  assert.equal(p50, 0);
  assert.ok(Math.abs(p95 - 4.1) < 0.05, String(p95));
});

test('an empty histogram has no distribution', () => {
  assert.equal(new LogHistogram().distribution(), undefined);
});
