/**
 * Is it credible that these devices fell silent together, each for a reason of its own?
 *
 * If it is, each φ is a draw by chance, and k of them add up to Σφ or more with the probability that Fisher's method
 * gives (Fisher 1925: −2 ln Π p is χ² with 2k degrees of freedom). Times the C(k + w, k) ways to pick the k among
 * themselves and the w members that were heard since, it bounds the chance of such a coincidence: where that is tiny,
 * the cause is common. Every k of latest silences is tried, so that one old suspect does not hide a fresh outage.
 */

/** A common cause is seen when −log10 of the chance of independence exceeds this. */
const INCREDIBLE = 6;
/** However sure we are that a device does not talk: it may have failed by itself, in that very hour, once in so many. */
const PHI_MAX = 4;
/** Onsets tried, spread over the silences. */
const ONSETS_MAX = 64;

export interface Silence {
  /** Since when its silence is remarkable. */
  readonly since: number;
  /** −log10 of the chance that it is silent by itself. */
  readonly phi: number;
}

export interface CommonCause {
  /** Onset of the earliest silence that belongs to it. */
  readonly since: number;
  readonly silent: number;
  /** Members heard since. */
  readonly witnesses: number;
}

/**
 * The least credible coincidence among the silences; undefined when all are credible.
 *
 * @param heardAt when those members were last heard that are not silent
 * @param silentMin fewer silent members are a coincidence
 * @param shareMin smaller shares of the silent in all who could have been heard have a narrower cause
 */
export function commonCause(
  silences: Silence[],
  heardAt: Float64Array,
  silentMin: number,
  shareMin: number,
): CommonCause | undefined {
  if (silences.length < silentMin) return undefined;
  silences.sort((a, b) => b.since - a.since);
  const onsets = onsetsOf(silences.length, silentMin);
  const heardSince = countHeard(
    heardAt,
    onsets.map((k) => (silences[k - 1] as Silence).since),
  );
  let phiSum = 0;
  let counted = 0;
  let best: CommonCause | undefined;
  let bestScore = INCREDIBLE;
  for (const [index, k] of onsets.entries()) {
    while (counted < k) phiSum += Math.min(PHI_MAX, (silences[counted++] as Silence).phi);
    const witnesses = heardSince[index] as number;
    const score = -chanceLog10(k, phiSum) - waysLog10(k, witnesses);
    if (score <= bestScore || k < shareMin * (k + witnesses)) continue;
    bestScore = score;
    best = { since: (silences[k - 1] as Silence).since, silent: k, witnesses };
  }
  return best;
}

/** Numbers of silences to try: each of few, evenly spread among many. */
function onsetsOf(silences: number, silentMin: number): number[] {
  const steps = Math.min(ONSETS_MAX, silences - silentMin + 1);
  const range = silences - silentMin;
  return Array.from({ length: steps }, (_, step) => silences - Math.floor((range * step) / steps)).reverse();
}

/** How many were heard after each of the falling onsets. */
function countHeard(heardAt: Float64Array, onsets: readonly number[]): number[] {
  const counts = new Array<number>(onsets.length + 1).fill(0);
  for (const at of heardAt) {
    // The first onset that lies before; from there on, it was heard since.
    let low = 0;
    let high = onsets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((onsets[middle] as number) < at) high = middle;
      else low = middle + 1;
    }
    counts[low] = (counts[low] as number) + 1;
  }
  let sum = 0;
  return counts.slice(0, onsets.length).map((count) => {
    sum += count;
    return sum;
  });
}

/** log10 of a bound on the chance that k independent φ add up to so much: P(Poisson(Σφ · ln 10) < k). */
function chanceLog10(k: number, phiSum: number): number {
  const x = phiSum * Math.LN10;
  if (x <= k) return 0;
  const last = -x + (k - 1) * Math.log(x) - lnFactorial(k - 1);
  return (last - Math.log(1 - (k - 1) / x)) / Math.LN10;
}

/** log10 of the ways to pick k out of k + w. */
function waysLog10(k: number, w: number): number {
  return k === 0 || w === 0 ? 0 : (lnFactorial(k + w) - lnFactorial(k) - lnFactorial(w)) / Math.LN10;
}

/** Stirling's series, exact to 1e-6 from 1 on. */
function lnFactorial(n: number): number {
  const x = n + 1;
  const shifted = x + 7;
  let product = 1;
  for (let i = x; i < shifted; i++) product *= i;
  const series = 1 / (12 * shifted) - 1 / (360 * shifted ** 3);
  return (
    (shifted - 0.5) * Math.log(shifted) - shifted + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product)
  );
}
