import type { Deadlines, Explanation, Gap, Plan } from './freshness-model.ts';
import { addGap, gapCount, MOMENT_SLOTS } from './gap-moments.ts';
import { expectedBeat, PerDeviceModel } from './per-device-model.ts';
import { meanOf } from './phi.ts';

export interface PhiExponentialKnobs {
  readonly threshold: number;
  readonly memoryGaps: number;
}

/** Cassandra's defaults: `phi_convict_threshold` 8, 1000 samples. */
export const cassandra: PhiExponentialKnobs = { threshold: 8, memoryGaps: 1000 };

/** The φ detector with exponential gaps, as in Cassandra: φ = silence / (mean gap · ln 10). */
export class PhiExponentialModel extends PerDeviceModel {
  readonly slots = MOMENT_SLOTS;
  readonly #knobs: PhiExponentialKnobs;

  constructor(knobs: PhiExponentialKnobs = cassandra) {
    super();
    this.#knobs = knobs;
  }

  learn(state: Float32Array, base: number, gap: Gap): void {
    addGap(state, base, gap.gapMs, this.#knobs.memoryGaps);
  }

  freshness(state: Float32Array, base: number, plan: Plan, deadlines: Deadlines): void {
    const mean = meanOf(state, base, plan);
    deadlines.expectedMs = expectedBeat(plan, 1);
    deadlines.suspectMs = Math.LN10 * mean;
    deadlines.deadMs = Math.LN10 * this.#knobs.threshold * mean;
  }

  phi(state: Float32Array, base: number, plan: Plan, silenceMs: number): number {
    return silenceMs / (Math.LN10 * meanOf(state, base, plan));
  }

  explain(state: Float32Array, base: number, plan: Plan): Explanation {
    return {
      algorithm: 'phi-exponential',
      threshold: this.#knobs.threshold,
      gaps: gapCount(state, base),
      meanMs: meanOf(state, base, plan),
    };
  }
}
