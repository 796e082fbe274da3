import type { Deadlines, Explanation, Plan } from './freshness-model.ts';
import { expectedBeat, PerDeviceModel } from './per-device-model.ts';

/** Part of an interval that an expected beat may be late before it counts as missed: covers jitter not announced. */
const GRACE = 0.25;

/** Dead after `missedBeats` expected beats have not come, suspect after the first; the usual rule is three. */
export class MissedModel extends PerDeviceModel {
  readonly slots = 0;
  readonly #missedBeats: number;

  constructor(knobs: { readonly missedBeats: number }) {
    super();
    this.#missedBeats = knobs.missedBeats;
  }

  learn(): void {}

  freshness(_state: Float32Array, _base: number, plan: Plan, deadlines: Deadlines): void {
    const graceMs = GRACE * plan.intervalMs;
    deadlines.expectedMs = expectedBeat(plan, 1);
    deadlines.suspectMs = expectedBeat(plan, 1) + graceMs;
    deadlines.deadMs = expectedBeat(plan, this.#missedBeats) + graceMs;
  }

  /** The number of missed beats: one is suspect. No probability stands behind it. */
  phi(_state: Float32Array, _base: number, plan: Plan, silenceMs: number): number {
    const sinceFirst = silenceMs - expectedBeat(plan, 1) - GRACE * plan.intervalMs;
    return sinceFirst < 0 ? 0 : 1 + Math.floor(sinceFirst / plan.intervalMs);
  }

  explain(): Explanation {
    return { algorithm: 'missed', missedBeats: this.#missedBeats, grace: GRACE };
  }
}
