import type { Deadlines, Explanation, Plan } from './freshness-model.ts';
import { expectedBeat, PerDeviceModel } from './per-device-model.ts';

export interface FixedKnobs {
  /** Silence after which a device is suspect, and dead. Milliseconds. Larger is calmer and slower. */
  readonly suspectAfterMs: number;
  readonly timeoutMs: number;
}

/**
 * The plain timeout: silence of so long is death, as Kubernetes, Consul and Redis Sentinel have it. It speaks of the
 * usual interval; a longer silence that the device announces, such as sleep, is added.
 */
export class FixedModel extends PerDeviceModel {
  readonly slots = 0;
  readonly #knobs: FixedKnobs;

  constructor(knobs: FixedKnobs) {
    super();
    this.#knobs = knobs;
  }

  learn(): void {}

  freshness(_state: Float32Array, _base: number, plan: Plan, deadlines: Deadlines): void {
    const extraMs = announcedExtra(plan);
    deadlines.expectedMs = expectedBeat(plan, 1);
    deadlines.suspectMs = this.#knobs.suspectAfterMs + extraMs;
    deadlines.deadMs = this.#knobs.timeoutMs + extraMs;
  }

  /** No probability stands behind a timeout: φ is 1 where it suspects and grows in proportion. */
  phi(_state: Float32Array, _base: number, plan: Plan, silenceMs: number): number {
    return Math.max(0, silenceMs - announcedExtra(plan)) / this.#knobs.suspectAfterMs;
  }

  explain(): Explanation {
    return { algorithm: 'fixed', ...this.#knobs };
  }
}

function announcedExtra(plan: Plan): number {
  return Math.max(0, plan.nextMs - plan.intervalMs);
}
