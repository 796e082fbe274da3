import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ALGORITHMS, classConfig } from '../class-config.ts';
import { freshnessModel } from './by-name.ts';
import type { Deadlines, FreshnessModel, Gap } from './freshness-model.ts';

const INTERVAL = 900_000;

interface Step {
  readonly missed: number;
  readonly late: number;
}

const history = fc.array(
  fc.record({
    missed: fc.oneof(fc.constant(0), fc.nat(5)),
    late: fc.double({ min: 0, max: 0.2, noNaN: true }),
  }),
  { maxLength: 200 },
);

/** Plays a history to one device; what it ends with. */
function play(model: FreshnessModel, steps: readonly Step[], announces: boolean) {
  const state = new Float32Array(model.slots);
  const deadlines: Deadlines = { expectedMs: 0, suspectMs: 0, deadMs: 0 };
  const gap: Gap = {
    at: 0,
    nextMs: announces ? INTERVAL : 0,
    intervalMs: INTERVAL,
    gapMs: 0,
    missed: 0,
    mistake: false,
  };
  model.init(state, 0);
  if (announces) model.announce(state, 0, gap);
  model.freshness(state, 0, gap, deadlines);
  for (const { missed, late } of steps) {
    gap.gapMs = INTERVAL * (1 + missed + late);
    gap.missed = missed;
    gap.mistake = gap.gapMs > deadlines.deadMs;
    model.learn(state, 0, gap);
    gap.at += gap.gapMs;
    if (announces) model.announce(state, 0, gap);
    model.freshness(state, 0, gap, deadlines);
  }
  return { state, plan: gap, deadlines: { ...deadlines } };
}

for (const name of ALGORITHMS) {
  const make = () => freshnessModel(classConfig({ intervalMs: INTERVAL, algorithm: name }));

  test(`${name}: suspicion never falls while silence grows, and death never precedes suspicion`, () => {
    fc.assert(
      fc.property(history, fc.boolean(), (steps, announces) => {
        const model = make();
        const { state, plan, deadlines } = play(model, steps, announces);
        assert.ok(deadlines.suspectMs > 0 && deadlines.suspectMs <= deadlines.deadMs);
        assert.ok(Number.isFinite(deadlines.deadMs));
        let before = 0;
        for (let silence = 0; silence < 40 * INTERVAL; silence += INTERVAL / 7) {
          const phi = model.phi(state, 0, plan, silence);
          assert.ok(phi >= before - 1e-9, `${phi} after ${before} at ${silence}`);
          before = phi;
        }
      }),
      { numRuns: 40 },
    );
  });

  test(`${name}: what it learned of the class outlives a snapshot`, () => {
    const model = make();
    const { state, plan, deadlines } = play(model, regular(300), true);
    const other = make();
    assert.equal(other.importClass(model.exportClass()), true);
    const again: Deadlines = { expectedMs: 0, suspectMs: 0, deadMs: 0 };
    other.freshness(state, 0, plan, again);
    assert.deepEqual(again, deadlines);
    assert.equal(other.importClass(new Float64Array(7)), false);
  });
}

function regular(count: number): Step[] {
  return Array.from({ length: count }, (_, i) => ({
    missed: i % 23 === 0 ? 1 : 0,
    late: ((i * 37) % 11) / 1000,
  }));
}
