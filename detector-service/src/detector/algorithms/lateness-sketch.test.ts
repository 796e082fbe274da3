import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LatenessSketch } from './lateness-sketch.ts';

const sketchOf = (samples: readonly number[]): LatenessSketch => {
  const sketch = new LatenessSketch();
  for (const sample of samples) sketch.learn(sample);
  return sketch;
};
const samples = fc.array(fc.double({ min: -2, max: 1e4, noNaN: true }), { maxLength: 200 });

test('the lateness reached is the least whose survival is at most the limit', () => {
  fc.assert(
    fc.property(samples, fc.double({ min: 1e-9, max: 0.999, noNaN: true }), (seen, limit) => {
      const sketch = sketchOf(seen);
      const reached = sketch.reach(limit);
      assert.ok(reached >= 0 && Number.isFinite(reached));
      assert.ok(sketch.survival(1.0001 * reached + 1e-9) <= limit * 1.0001, 'it is enough');
      if (reached > 0) assert.ok(sketch.survival(0.9999 * reached) >= limit * 0.9999, 'less would not be');
    }),
  );
});

test('survival never rises with lateness', () => {
  fc.assert(
    fc.property(samples, fc.double({ min: 0, max: 1e6, noNaN: true }), (seen, scaled) => {
      const sketch = sketchOf(seen);
      assert.ok(sketch.survival(scaled) >= sketch.survival(1.01 * scaled + 1e-9));
    }),
  );
});

test('what was never seen becomes less credible with every sample', () => {
  const few = sketchOf(Array.from({ length: 10 }, () => 1));
  const many = sketchOf(Array.from({ length: 1000 }, () => 1));
  assert.ok(many.survival(20) < few.survival(20) / 10);
});
