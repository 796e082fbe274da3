import type { Deadlines, Explanation, Gap, Plan } from './freshness-model.ts';
import { addGap, gapCount, gapDeviation, gapMean, MOMENT_SLOTS } from './gap-moments.ts';
import { normalPhi, normalPhiInverse } from './normal-tail.ts';
import { expectedBeat, PerDeviceModel } from './per-device-model.ts';

export interface PhiKnobs {
  /** φ at which the device is dead; φ = 1 is a 10 % chance of a mistake, φ = 3 one of 0.1 %. */
  readonly threshold: number;
  /** Gaps remembered. */
  readonly memoryGaps: number;
  /** Smallest standard deviation. Milliseconds. */
  readonly deviationMinMs: number;
}

/** Akka's defaults: threshold 8, 1000 samples, at least 100 ms. */
export const akka: PhiKnobs = { threshold: 8, memoryGaps: 1000, deviationMinMs: 100 };

/**
 * The φ accrual failure detector with normal gaps (Hayashibara, Défago, Yared, Katayama 2004), as in Akka: before
 * the first gap the mean is the interval and the deviation a quarter of it.
 */
export class PhiModel extends PerDeviceModel {
  readonly slots = MOMENT_SLOTS;
  readonly #knobs: PhiKnobs;
  readonly #suspectDeviations = normalPhiInverse(1);
  readonly #deadDeviations: number;

  constructor(knobs: PhiKnobs = akka) {
    super();
    this.#knobs = knobs;
    this.#deadDeviations = normalPhiInverse(knobs.threshold);
  }

  learn(state: Float32Array, base: number, gap: Gap): void {
    addGap(state, base, gap.gapMs, this.#knobs.memoryGaps);
  }

  freshness(state: Float32Array, base: number, plan: Plan, deadlines: Deadlines): void {
    const mean = meanOf(state, base, plan);
    const deviation = this.#deviation(state, base, plan);
    deadlines.expectedMs = expectedBeat(plan, 1);
    deadlines.suspectMs = mean + this.#suspectDeviations * deviation;
    deadlines.deadMs = mean + this.#deadDeviations * deviation;
  }

  phi(state: Float32Array, base: number, plan: Plan, silenceMs: number): number {
    return normalPhi((silenceMs - meanOf(state, base, plan)) / this.#deviation(state, base, plan));
  }

  explain(state: Float32Array, base: number, plan: Plan): Explanation {
    return {
      algorithm: 'phi',
      threshold: this.#knobs.threshold,
      gaps: gapCount(state, base),
      meanMs: meanOf(state, base, plan),
      deviationMs: this.#deviation(state, base, plan),
    };
  }

  #deviation(state: Float32Array, base: number, plan: Plan): number {
    const known = gapCount(state, base) < 2 ? plan.intervalMs / 4 : gapDeviation(state, base);
    return Math.max(this.#knobs.deviationMinMs, known);
  }
}

/** Mean gap; before the first one, the expected gap. */
export function meanOf(state: Float32Array, base: number, plan: Plan): number {
  return gapCount(state, base) < 1 ? expectedBeat(plan, 1) : gapMean(state, base);
}
