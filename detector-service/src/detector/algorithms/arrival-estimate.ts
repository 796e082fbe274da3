import type { Gap, Plan } from './freshness-model.ts';

/**
 * Chen's estimate of the next arrival: the mean of the last arrivals, each moved forward by its number of beats.
 *
 * Only the distance of the newest arrival from the estimate is kept, in one slot: a later schedule point shifts it
 * by 1/window of each new error. The same estimate serves NFD-E and Bertier's detector.
 */
export function estimateError(state: Float32Array, base: number, gap: Gap): number {
  const first = gap.nextMs > 0 ? gap.nextMs : gap.intervalMs;
  const missed = gap.missed >= 0 ? gap.missed : Math.max(0, Math.round((gap.gapMs - first) / gap.intervalMs));
  return (state[base] as number) + gap.gapMs - first - missed * gap.intervalMs;
}

export function moveEstimate(state: Float32Array, base: number, error: number, window: number): void {
  state[base] = error * (1 - 1 / window);
}

/** Time from the newest arrival to the estimate of the next. */
export function nextEstimate(state: Float32Array, base: number, plan: Plan): number {
  return (plan.nextMs > 0 ? plan.nextMs : plan.intervalMs) - (state[base] as number);
}
