/** Days are UTC days: the same everywhere, always 24 hours long, and what segments and checkpoints are cut by. */

export const DAY_MS = 86_400_000;

/** The first instant of the UTC day that holds `at`. */
export function dayStart(at: number): number {
  return Math.floor(at / DAY_MS) * DAY_MS;
}

/** The first midnight after `at`; a day later when `at` is itself a midnight. */
export function nextMidnight(at: number): number {
  return dayStart(at) + DAY_MS;
}

/** `2026-11-20`, which sorts as text in the order of time. */
export function dayName(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
