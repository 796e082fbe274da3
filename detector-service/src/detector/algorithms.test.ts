import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { freshnessModel } from './algorithm.ts';
import { type Algorithm, classConfig } from './class-config.ts';
import type { Freshness } from './freshness-model.ts';

const INTERVAL_MS = 900_000;
const algorithms: Algorithm[] = ['adaptive', 'fixed', 'missed'];
const gaps = fc.array(
  fc.record({
    latenessMs: fc.integer({ min: 0, max: 5_000 }),
    lostBeats: fc.constantFrom(-1, 0, 0, 0, 0, 1, 5),
  }),
  { maxLength: 60 },
);

function learned(algorithm: Algorithm, history: { latenessMs: number; lostBeats: number }[], budget = 1) {
  const model = freshnessModel(
    classConfig({ intervalMs: INTERVAL_MS, algorithm, falseAlarmsPerDeviceYear: budget }),
  );
  const state = new Float32Array(model.slots);
  model.init(state, 0);
  for (const { latenessMs, lostBeats } of history) {
    const expectedGapMs = INTERVAL_MS;
    const gapMs = expectedGapMs + latenessMs + Math.max(0, lostBeats) * INTERVAL_MS;
    model.learn(state, 0, { gapMs, expectedGapMs, announced: true, lostBeats });
  }
  const plan = { expectedInMs: INTERVAL_MS, intervalMs: INTERVAL_MS };
  const freshness: Freshness = { suspectMs: 0, deadMs: 0 };
  model.freshness(state, 0, plan, freshness);
  return { model, state, plan, freshness };
}

for (const algorithm of algorithms) {
  test(`${algorithm}: suspicion never falls while silence grows`, () => {
    fc.assert(
      fc.property(
        gaps,
        fc.array(fc.nat({ max: 50 * INTERVAL_MS }), { minLength: 2 }),
        (history, silences) => {
          const { model, state, plan } = learned(algorithm, history);
          const levels = silences.sort((a, b) => a - b).map((silence) => model.phi(state, 0, plan, silence));
          for (const [index, level] of levels.entries()) assert.ok(level >= (levels[index - 1] ?? 0) - 1e-9);
        },
      ),
    );
  });

  test(`${algorithm}: suspect before dead, and never before the beat is due`, () => {
    fc.assert(
      fc.property(gaps, (history) => {
        const { freshness } = learned(algorithm, history);
        assert.ok(freshness.suspectMs <= freshness.deadMs);
        assert.ok(freshness.suspectMs > INTERVAL_MS);
      }),
    );
  });
}

test('adaptive: a larger false-alarm budget never gives a later deadline', () => {
  fc.assert(
    fc.property(gaps, fc.double({ min: 0.01, max: 100, noNaN: true }), (history, budget) => {
      const strict = learned('adaptive', history, budget).freshness.deadMs;
      const loose = learned('adaptive', history, 2 * budget).freshness.deadMs;
      assert.ok(loose <= strict);
    }),
  );
});

test('adaptive: at its deadline the survival of the silence is what the budget allows', () => {
  const { model, state, plan, freshness } = learned(
    'adaptive',
    Array(40).fill({ latenessMs: 200, lostBeats: 0 }),
  );
  const allowed = INTERVAL_MS / (365.25 * 86_400_000);
  assert.ok(Math.abs(model.phi(state, 0, plan, freshness.deadMs) + Math.log10(allowed)) < 0.01);
});
