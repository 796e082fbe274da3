import { estimateError, moveEstimate, nextEstimate } from './arrival-estimate.ts';
import type { Deadlines, Explanation, Gap, Plan } from './freshness-model.ts';
import { PerDeviceModel } from './per-device-model.ts';

export interface ChenKnobs {
  /** α: safety margin after the estimated arrival. Milliseconds. Larger is calmer and slower. */
  readonly marginMs: number;
  /** Arrivals the estimate averages over. */
  readonly window: number;
}

/**
 * NFD-E (Chen, Toueg, Aguilera: On the quality of service of failure detectors, IEEE Transactions on Computers
 * 51(5), 2002, section 6): the freshness point is the estimated arrival of the next beat plus a constant margin.
 */
export class ChenModel extends PerDeviceModel {
  readonly slots = 1;
  readonly #knobs: ChenKnobs;

  constructor(knobs: ChenKnobs) {
    super();
    this.#knobs = knobs;
  }

  learn(state: Float32Array, base: number, gap: Gap): void {
    moveEstimate(state, base, estimateError(state, base, gap), this.#knobs.window);
  }

  freshness(state: Float32Array, base: number, plan: Plan, deadlines: Deadlines): void {
    const expected = nextEstimate(state, base, plan);
    deadlines.expectedMs = expected;
    deadlines.suspectMs = expected + Math.min(this.#knobs.marginMs, plan.intervalMs / 4);
    deadlines.deadMs = expected + this.#knobs.marginMs;
  }

  /** Intervals past the suspicion, which is 1; NFD-E itself knows no level. */
  phi(state: Float32Array, base: number, plan: Plan, silenceMs: number): number {
    const suspect = nextEstimate(state, base, plan) + Math.min(this.#knobs.marginMs, plan.intervalMs / 4);
    return silenceMs < suspect ? 0 : 1 + (silenceMs - suspect) / plan.intervalMs;
  }

  explain(state: Float32Array, base: number, plan: Plan): Explanation {
    return { algorithm: 'chen', ...this.#knobs, expectedInMs: nextEstimate(state, base, plan) };
  }
}

/** What is asked of a detector. */
export interface ChenRequirements {
  /** Upper bound on the detection time. */
  readonly detectionMs: number;
  /** Lower bound on the mean time between mistakes. */
  readonly recurrenceMs: number;
  /** Upper bound on the mean duration of a mistake. */
  readonly durationMs: number;
  /** Probability that a beat is lost. */
  readonly loss: number;
  /** P(delay > x). */
  readonly delaySurvival: (ms: number) => number;
}

/**
 * The configuration procedure for known delays (section 4 of the paper): the longest interval η and the shift δ
 * that meet the requirements, or undefined when none does.
 */
export function configureChen(wanted: ChenRequirements): { intervalMs: number; shiftMs: number } | undefined {
  const heard = (1 - wanted.loss) * (1 - wanted.delaySurvival(wanted.detectionMs));
  const longest = Math.min(wanted.detectionMs, heard * wanted.durationMs);
  if (!(longest > 0)) return undefined;
  // The recurrence time is not monotone in η: it jumps where one beat fewer fits. Scan from above, then refine.
  const coarse = longest / 20_000;
  for (let eta = longest; eta > coarse; eta -= coarse) {
    if (recurrence(wanted, heard, eta) < wanted.recurrenceMs) continue;
    let good = eta;
    let bad = Math.min(longest, eta + coarse);
    for (let i = 0; i < 40; i++) {
      const middle = (good + bad) / 2;
      if (recurrence(wanted, heard, middle) >= wanted.recurrenceMs) good = middle;
      else bad = middle;
    }
    return { intervalMs: good, shiftMs: wanted.detectionMs - good };
  }
  return undefined;
}

/** Mean time between mistakes at an interval: η over the probability that all beats that could refute one fail. */
function recurrence(wanted: ChenRequirements, heard: number, eta: number): number {
  let mistake = heard;
  for (let j = 1; j <= Math.ceil(wanted.detectionMs / eta) - 1; j++) {
    mistake *= wanted.loss + (1 - wanted.loss) * wanted.delaySurvival(wanted.detectionMs - j * eta);
  }
  return eta / mistake;
}
