import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addSilence } from './detection-times.ts';
import { LogHistogram } from './log-histogram.ts';

test('a death in a silence of 10 s is noticed 30 to 40 s later when the dead point is 40 s after its start', () => {
  const times = new LogHistogram();
  addSilence(times, 1000, 11_000, 41_000);
  const { mean, p50, p95 } = times.distribution() ?? assert.fail();
  assert.equal(mean, 35_000);
  assert.ok(Math.abs(p50 - 35_000) < 400, String(p50));
  assert.ok(Math.abs(p95 - 39_500) < 400, String(p95));
});

test('a death after the dead point is noticed at once', () => {
  const times = new LogHistogram();
  addSilence(times, 0, 80_000, 40_000);
  const { mean, p50, p95 } = times.distribution() ?? assert.fail();
  assert.equal(mean, 10_000);
  assert.equal(p50, 0);
  assert.ok(Math.abs(p95 - 36_000) < 400, String(p95));
  const never = new LogHistogram();
  addSilence(never, 50_000, 60_000, 40_000);
  assert.deepEqual(never.distribution(), { mean: 0, p50: 0, p95: 0 });
});

test('silences told in another unit weigh as much time as in milliseconds', () => {
  const hours = new LogHistogram(1e-6);
  addSilence(hours, 0, 2, 5, 3_600_000);
  // A quarter of this one lies behind its dead point.
  addSilence(hours, 0, 8, 6, 3_600_000);
  const ms = new LogHistogram();
  addSilence(ms, 0, 2 * 3_600_000, 5 * 3_600_000);
  addSilence(ms, 0, 8 * 3_600_000, 6 * 3_600_000);
  assert.equal(hours.total, ms.total);
  const inHours = hours.distribution() ?? assert.fail();
  const inMs = ms.distribution() ?? assert.fail();
  for (const key of ['mean', 'p50', 'p95'] as const) {
    assert.ok(Math.abs(inHours[key] - inMs[key] / 3_600_000) < 0.03 * inHours[key], key);
  }
});

test('there is no distribution before any silence', () => {
  assert.equal(new LogHistogram().distribution(), undefined);
});

const silence = fc.record({
  from: fc.nat({ max: 1e6 }),
  lengthMs: fc.integer({ min: 1, max: 100_000 }),
  deadInMs: fc.integer({ min: -10_000, max: 300_000 }),
});

test('mean and quantiles are those of deaths tried at every hundredth of every silence', () => {
  fc.assert(
    fc.property(fc.array(silence, { minLength: 1, maxLength: 12 }), (silences) => {
      const times = new LogHistogram();
      const tried: { timeMs: number; weight: number }[] = [];
      for (const { from, lengthMs, deadInMs } of silences) {
        addSilence(times, from, from + lengthMs, from + deadInMs);
        for (let step = 0.5; step < 100; step += 1) {
          const timeMs = Math.max(0, deadInMs - (step / 100) * lengthMs);
          tried.push({ timeMs, weight: lengthMs / 100 });
        }
      }
      const { mean, p50, p95 } = times.distribution() ?? assert.fail();
      const total = tried.reduce((sum, { weight }) => sum + weight, 0);
      const exact = tried.reduce((sum, { timeMs, weight }) => sum + timeMs * weight, 0) / total;
      // Where a silence straddles its dead point the trials miss up to half a step.
      assert.ok(Math.abs(mean - exact) <= 1e-3 * exact + 500, `mean ${mean} is not ${exact}`);
      tried.sort((a, b) => a.timeMs - b.timeMs);
      for (const [q, found] of [
        [0.5, p50],
        [0.95, p95],
      ] as const) {
        const below = (limit: number) =>
          tried.reduce((sum, { timeMs, weight }) => sum + (timeMs <= limit ? weight : 0), 0) / total;
        assert.ok(below(1.03 * found + 2000) >= q - 0.011, `p${q} ${found} is too low`);
        assert.ok(found === 0 || below(0.97 * found - 2000) <= q + 0.011, `p${q} ${found} is too high`);
      }
    }),
    { numRuns: 300 },
  );
});

test('scaling changes the times and not what they weigh', () => {
  fc.assert(
    fc.property(fc.array(silence, { minLength: 1, maxLength: 8 }), (silences) => {
      const times = new LogHistogram();
      for (const { from, lengthMs, deadInMs } of silences)
        addSilence(times, from, from + lengthMs, from + deadInMs);
      const scaled = new LogHistogram(1e-6);
      scaled.addScaled(times, 1 / 10_000);
      const own = times.distribution() ?? assert.fail();
      const other = scaled.distribution() ?? assert.fail();
      assert.equal(scaled.total, times.total);
      for (const key of ['mean', 'p50', 'p95'] as const) {
        const expected = own[key] / 10_000;
        assert.ok(
          Math.abs(other[key] - expected) <= 0.03 * expected + 0.05,
          `${key} ${other[key]} ${expected}`,
        );
      }
    }),
  );
});
