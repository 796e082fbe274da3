/**
 * One-way delay from a clock that is wrong.
 *
 * The difference of arrival and the device's clock is the clock's error plus the delay. The error is unknown but moves
 * slowly, along a straight line for hours, and a delay is never negative; so the line below all differences is the
 * error plus the smallest delay, and what lies above it is delay beyond the smallest (the lower envelope of Moon,
 * Skelly, Towsley, INFOCOM 1999, here through the lowest difference of each of the last two windows).
 */
import { Columns } from './columns.ts';

/** Beats per window: enough that one of them is likely to be a fast one. */
const WINDOW_BEATS = 16;

/** A line steeper than this is no crystal's drift but a clock that was set. */
const DRIFT_MAX = 500e-6;

/** A difference this far off the line is a clock that was set, not a delay. */
const STEP_MS = 10_000;

export class ClockEnvelope {
  readonly columns = new Columns({
    /** Arrival and difference to which the other numbers are relative; no sample yet while the arrival is 0. */
    originAt: Float64Array,
    originMs: Float64Array,
    /** Lowest difference of the window before the last: when (s), and how high. */
    olderS: Float32Array,
    olderMs: Float32Array,
    newerS: Float32Array,
    newerMs: Float32Array,
    /** Lowest of the window that is open. */
    openS: Float32Array,
    openMs: Float32Array,
    openBeats: Uint8Array,
    /** Windows behind the line: 0, 1 or 2. */
    windows: Uint8Array,
  });

  /**
   * Takes in a beat that arrived at `at` and was sent at `deviceAt` by the device's own clock.
   * @returns its delay above the envelope; undefined where there is no line yet, and when the clock was set.
   */
  delayMs(row: number, at: number, deviceAt: number): number | undefined {
    this.columns.reach(row);
    const of = this.columns.of;
    const originAt = of.originAt[row] as number;
    const seconds = (at - originAt) / 1000;
    const differenceMs = at - deviceAt - (of.originMs[row] as number);
    if (originAt === 0) return this.#begin(row, at, at - deviceAt);
    const lineMs = this.#lineAt(row, seconds);
    if (Math.abs(differenceMs - lineMs) > STEP_MS + DRIFT_MAX * 1000 * seconds) {
      return this.#begin(row, at, at - deviceAt);
    }
    this.#lower(row, seconds, differenceMs);
    return Math.max(0, differenceMs - lineMs);
  }

  #begin(row: number, at: number, differenceMs: number): undefined {
    this.columns.clear(row);
    this.columns.of.originAt[row] = at;
    this.columns.of.originMs[row] = differenceMs;
    this.columns.of.openBeats[row] = 1;
  }

  /** Height of the envelope: through the lowest differences of two windows, or level through the lowest so far. */
  #lineAt(row: number, seconds: number): number {
    const of = this.columns.of;
    const openMs = of.openMs[row] as number;
    const windows = of.windows[row] as number;
    if (windows === 0) return openMs;
    const newerMs = of.newerMs[row] as number;
    if (windows === 1) return Math.min(newerMs, openMs);
    const newerS = of.newerS[row] as number;
    const drift = this.#slope(row);
    const below = openMs - (newerMs + drift * ((of.openS[row] as number) - newerS));
    const lowest = (of.openBeats[row] as number) > 0 ? Math.min(0, below) : 0;
    return newerMs + drift * (seconds - newerS) + lowest;
  }

  #lower(row: number, seconds: number, differenceMs: number): void {
    const of = this.columns.of;
    const beats = of.openBeats[row] as number;
    const isLower = beats === 0 || differenceMs - (of.openMs[row] as number) < this.#driftSince(row, seconds);
    if (isLower) {
      of.openS[row] = seconds;
      of.openMs[row] = differenceMs;
    }
    of.openBeats[row] = beats + 1;
    if (beats + 1 < WINDOW_BEATS) return;
    of.olderS[row] = of.newerS[row] as number;
    of.olderMs[row] = of.newerMs[row] as number;
    of.newerS[row] = of.openS[row] as number;
    of.newerMs[row] = of.openMs[row] as number;
    of.windows[row] = Math.min(2, (of.windows[row] as number) + 1);
    of.openBeats[row] = 0;
  }

  /** By how much the line has moved since the lowest beat of the open window. */
  #driftSince(row: number, seconds: number): number {
    const of = this.columns.of;
    if ((of.windows[row] as number) < 2) return 0;
    return this.#slope(row) * (seconds - (of.openS[row] as number));
  }

  #slope(row: number): number {
    const of = this.columns.of;
    const rise = (of.newerMs[row] as number) - (of.olderMs[row] as number);
    const slope = rise / ((of.newerS[row] as number) - (of.olderS[row] as number));
    return Math.abs(slope) > 1000 * DRIFT_MAX ? 0 : slope;
  }
}
