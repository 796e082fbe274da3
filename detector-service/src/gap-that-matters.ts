import type { ClassConfig } from './detector/index.ts';

/** A pause of this share of the fastest interval can already look like a missed beat. */
const GAP_SHARE = 0.5;
const GAP_MS_MIN = 1000;
const GAP_MS_MAX = 5000;

/** The shortest pause of ours that the fastest class could take for a missed beat. Milliseconds. */
export function gapThatMatters(classes: readonly ClassConfig[]): number {
  const fastestMs = Math.min(...classes.map(({ intervalMs }) => intervalMs));
  return Math.min(GAP_MS_MAX, Math.max(GAP_MS_MIN, GAP_SHARE * fastestMs));
}
