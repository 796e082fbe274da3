import type { Deadlines, Explanation, FreshnessModel, Gap, Plan } from './freshness-model.ts';

/** A model that learns nothing of its class: what the simple algorithms share. */
export abstract class PerDeviceModel implements FreshnessModel {
  abstract readonly slots: number;
  abstract learn(state: Float32Array, base: number, gap: Gap): void;
  abstract freshness(state: Float32Array, base: number, plan: Plan, deadlines: Deadlines): void;
  abstract phi(state: Float32Array, base: number, plan: Plan, silenceMs: number): number;
  abstract explain(state: Float32Array, base: number, plan: Plan): Explanation;

  init(state: Float32Array, base: number): void {
    state.fill(0, base, base + this.slots);
  }

  announce(): void {}

  exportClass(): Float64Array {
    return new Float64Array(0);
  }

  importClass(numbers: Float64Array): boolean {
    return numbers.length === 0;
  }
}

/** Time from the arrival to the `beats`-th expected beat. */
export function expectedBeat(plan: Plan, beats: number): number {
  const first = plan.nextMs > 0 ? plan.nextMs : plan.intervalMs;
  return first + (beats - 1) * plan.intervalMs;
}
