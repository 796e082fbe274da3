import type { Deadlines, Explanation, Gap, Plan } from './freshness-model.ts';
import { addGap, gapCount, gapDeviation, gapMean, MOMENT_SLOTS } from './gap-moments.ts';
import { expectedBeat, PerDeviceModel } from './per-device-model.ts';

const DEVIATIONS = 3;
const WARM_UP_GAPS = 5;
const MEMORY_GAPS = 1000;
/** Smallest deviation, as a share of the mean: equal gaps must not put the deadline on the next beat. */
const DEVIATION_MIN = 0.01;

/** The textbook rule: dead when the silence exceeds the mean gap by three standard deviations. */
export class MeanDeviationModel extends PerDeviceModel {
  readonly slots = MOMENT_SLOTS;

  learn(state: Float32Array, base: number, gap: Gap): void {
    addGap(state, base, gap.gapMs, MEMORY_GAPS);
  }

  freshness(state: Float32Array, base: number, plan: Plan, deadlines: Deadlines): void {
    const { mean, deviation } = this.#gaps(state, base, plan);
    deadlines.expectedMs = expectedBeat(plan, 1);
    deadlines.suspectMs = mean + deviation;
    deadlines.deadMs = mean + DEVIATIONS * deviation;
  }

  /** Standard deviations past the mean: one is suspect. */
  phi(state: Float32Array, base: number, plan: Plan, silenceMs: number): number {
    const { mean, deviation } = this.#gaps(state, base, plan);
    return Math.max(0, (silenceMs - mean) / deviation);
  }

  explain(state: Float32Array, base: number, plan: Plan): Explanation {
    const { mean, deviation } = this.#gaps(state, base, plan);
    return { algorithm: 'mean-deviation', gaps: gapCount(state, base), meanMs: mean, deviationMs: deviation };
  }

  #gaps(state: Float32Array, base: number, plan: Plan): { mean: number; deviation: number } {
    if (gapCount(state, base) < WARM_UP_GAPS) {
      return { mean: expectedBeat(plan, 2), deviation: plan.intervalMs / DEVIATIONS };
    }
    const mean = gapMean(state, base);
    return { mean, deviation: Math.max(DEVIATION_MIN * mean, gapDeviation(state, base)) };
  }
}
