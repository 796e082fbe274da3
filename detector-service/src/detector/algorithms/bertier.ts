import { estimateError, moveEstimate, nextEstimate } from './arrival-estimate.ts';
import type { Deadlines, Explanation, Gap, Plan } from './freshness-model.ts';
import { PerDeviceModel } from './per-device-model.ts';

const WINDOW = 1000;
/** Weights of Jacobson's estimator as the paper gives them. */
const GAMMA = 0.1;
const BETA = 1;
const PHI = 4;

const DELAY = 1;
const VARIATION = 2;

/**
 * Bertier, Marin, Sens: Implementation and performance evaluation of an adaptable failure detector (DSN 2002):
 * Chen's estimate with the margin of TCP's retransmission timer (Jacobson 1988), delay + 4 · variation.
 */
export class BertierModel extends PerDeviceModel {
  readonly slots = 3;

  learn(state: Float32Array, base: number, gap: Gap): void {
    const off = estimateError(state, base, gap);
    const error = off - (state[base + DELAY] as number);
    state[base + DELAY] = (state[base + DELAY] as number) + GAMMA * error;
    const variation = state[base + VARIATION] as number;
    state[base + VARIATION] = variation + GAMMA * (Math.abs(error) - variation);
    moveEstimate(state, base, off, WINDOW);
  }

  freshness(state: Float32Array, base: number, plan: Plan, deadlines: Deadlines): void {
    const marginMs = margin(state, base, plan);
    const expected = nextEstimate(state, base, plan);
    deadlines.expectedMs = expected;
    deadlines.suspectMs = expected + marginMs / 2;
    deadlines.deadMs = expected + marginMs;
  }

  /** In half margins past the estimate: 1 suspects, 2 is dead. */
  phi(state: Float32Array, base: number, plan: Plan, silenceMs: number): number {
    return Math.max(0, (silenceMs - nextEstimate(state, base, plan)) / (margin(state, base, plan) / 2));
  }

  explain(state: Float32Array, base: number, plan: Plan): Explanation {
    return {
      algorithm: 'bertier',
      expectedInMs: nextEstimate(state, base, plan),
      marginMs: margin(state, base, plan),
    };
  }
}

/** Never below a hundredth of the interval: perfect arrivals must not put the deadline on the next beat. */
function margin(state: Float32Array, base: number, plan: Plan): number {
  const learned = BETA * (state[base + DELAY] as number) + PHI * (state[base + VARIATION] as number);
  return Math.max(plan.intervalMs / 100, learned);
}
