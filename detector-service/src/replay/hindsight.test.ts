import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Hindsight } from './hindsight.ts';

test('the best multiple is the longest silence that the budget does not cover', () => {
  const hindsight = new Hindsight();
  for (const gapMs of [10_000, 10_000, 80_000, 30_000]) hindsight.add(gapMs, 10_000);
  const strict = hindsight.best(0) ?? assert.fail();
  assert.equal(strict.falseAlarms, 0);
  assert.ok(strict.multiple >= 8 && strict.multiple < 8.05, String(strict.multiple));
  const relaxed = hindsight.best(1) ?? assert.fail();
  assert.equal(relaxed.falseAlarms, 1);
  assert.ok(relaxed.multiple >= 3 && relaxed.multiple < 3.02, String(relaxed.multiple));
  // Deadline 30 s: twice 10·(30 − 5), 30²/2 of the long silence, 30·(30 − 15), over 130 s.
  assert.ok(
    Math.abs(relaxed.detectionMs - (250 + 250 + 450 + 450) / 0.13) < 150,
    String(relaxed.detectionMs),
  );
});

test('nothing heard, nothing chosen', () => {
  assert.equal(new Hindsight().best(5), undefined);
});

const silence = fc.record({
  gapMs: fc.integer({ min: 1, max: 1e6 }),
  expectedMs: fc.integer({ min: 1, max: 1e5 }),
});

test('mistakes and detection time of every multiple are those of trying it', () => {
  fc.assert(
    fc.property(fc.array(silence, { minLength: 1, maxLength: 20 }), (silences) => {
      const hindsight = new Hindsight();
      for (const { gapMs, expectedMs } of silences) hindsight.add(gapMs, expectedMs);
      const curve = hindsight.curve();
      for (const { multiple, falseAlarms, detectionMs } of curve) {
        let mistakes = 0;
        let integral = 0;
        for (const { gapMs, expectedMs } of silences) {
          const deadMs = multiple * expectedMs;
          if (gapMs > deadMs * (1 + 1e-9)) mistakes += 1;
          integral += gapMs > deadMs ? deadMs ** 2 / 2 : gapMs * (deadMs - gapMs / 2);
        }
        const exact = integral / silences.reduce((sum, { gapMs }) => sum + gapMs, 0);
        assert.equal(falseAlarms, mistakes);
        assert.ok(Math.abs(detectionMs - exact) <= 1e-6 * exact + 1e-3, `${detectionMs} is not ${exact}`);
      }
      assert.equal(curve.at(-1)?.falseAlarms, 0);
    }),
  );
});
