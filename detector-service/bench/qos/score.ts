import { addSilence, LogHistogram } from '@slowbeat/detector-service/replay';

/** Milliseconds of a Julian year. */
export const YEAR_MS = 365.25 * 86_400_000;

/** Detection time bought with false alarms. */
export interface CurvePoint {
  /** Mistakes per device and year. */
  readonly perYear: number;
  /** E[T_D] in intervals. */
  readonly detection: number;
}

/**
 * Chen, Toueg and Aguilera's measures, from deadlines and real gaps alone.
 *
 * A deadline that runs out before the next real arrival is a mistake. The detection time needs no simulated
 * deaths: a death at a uniformly random instant of the gap, `u` after its beginning, is noticed `deadline − u`
 * later (at once when the deadline had already passed), so the gap contributes the integral over u.
 */
export class Score {
  mistakes = 0;
  /** Sum over gaps of the integral of the detection time; milliseconds times intervals. */
  waitIntervals = 0;
  aliveMs = 0;

  /** @param intervalMs the interval in force, in which detection times are told */
  gap(gapMs: number, deadlineMs: number, intervalMs: number): void {
    const within = Math.min(gapMs, deadlineMs);
    if (gapMs > deadlineMs) this.mistakes++;
    this.waitIntervals += (deadlineMs * within - (within * within) / 2) / intervalMs;
    this.aliveMs += gapMs;
  }

  get mistakesPerYear(): number {
    return this.mistakes / (this.aliveMs / YEAR_MS);
  }
  /** E[T_D] in intervals. */
  get detection(): number {
    return this.waitIntervals / this.aliveMs;
  }
}

/** Detection times told from zero, in intervals. */
const INTERVALS_LEAST = 1e-3;

/** The same with the detection time's distribution, in intervals and weighted by time. */
export class FullScore extends Score {
  readonly times = new LogHistogram(INTERVALS_LEAST);

  override gap(gapMs: number, deadlineMs: number, intervalMs: number): void {
    super.gap(gapMs, deadlineMs, intervalMs);
    addSilence(this.times, 0, gapMs / intervalMs, deadlineMs / intervalMs, intervalMs);
  }
}
