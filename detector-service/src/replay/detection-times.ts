/**
 * How soon would a death have been noticed, had it come at a uniformly random instant? Answered without a single
 * death, from the dead points alone.
 */
import type { LogHistogram } from './log-histogram.ts';

/**
 * Adds a silence of a live device, with the instant from which on it would be called dead, to detection times.
 *
 * A death at x is noticed after max(deadAt − x, 0). With x uniform in the silence that time is uniform from
 * deadAt − until to deadAt − from, and zero for the part of the silence that comes after deadAt. The weight is time:
 * where the instants are not in milliseconds, `unitMs` says what they are in.
 */
export function addSilence(
  times: LogHistogram,
  from: number,
  until: number,
  deadAt: number,
  unitMs = 1,
): void {
  const mistakenFrom = Math.min(until, Math.max(from, deadAt));
  if (mistakenFrom < until) times.add(0, unitMs * (until - mistakenFrom));
  if (mistakenFrom > from) times.addSpan(deadAt - mistakenFrom, deadAt - from, unitMs);
}
