/**
 * A decaying memory of mistakes, as Ceph's laggy probability: a device that was called dead again and again while it
 * lived is given more time, and must beat more than once before it counts as alive again.
 *
 * The memory is one number, the instant up to which it weighs more than one mistake: its level at t is
 * 2^((instant − t) / half-life). A single mistake is what a budget allows and changes nothing.
 */

const HALF_LIFE_MS = 86_400_000;
/** Rare beats are remembered for longer. */
const HALF_LIFE_INTERVALS = 16;
/** Margin added for each mistake beyond the first, as a share, and the most that counts. */
const MARGIN_SHARE = 0.5;
const EXCESS_MAX = 3;
const BEATS_MAX = 3;

/** Mistakes remembered at `at`, each halved with every half-life. */
export function flapLevel(flapsUntil: number, at: number, intervalMs: number): number {
  return 2 ** ((flapsUntil - at) / halfLifeMs(intervalMs));
}

/** The memory after one mistake more. */
export function flapped(flapsUntil: number, at: number, intervalMs: number): number {
  return at + halfLifeMs(intervalMs) * Math.log2(flapLevel(flapsUntil, at, intervalMs) + 1);
}

/** Factor on the time a device is trusted beyond its expected beat. */
export function flapMargin(level: number): number {
  return 1 + MARGIN_SHARE * Math.min(EXCESS_MAX, Math.max(0, level - 1));
}

/** Beats in a row, each in time, that make a dead device alive. */
export function beatsToReturn(level: number): number {
  return Math.min(BEATS_MAX, Math.max(1, Math.round(level)));
}

function halfLifeMs(intervalMs: number): number {
  return Math.max(HALF_LIFE_MS, HALF_LIFE_INTERVALS * intervalMs);
}
