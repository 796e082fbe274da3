/**
 * Percentiles from counts in logarithmic bins, whose error is a share of the value and not of the range (DDSketch:
 * Masson, Rim, Lee, VLDB 2019). Counts of several sources may be added bin by bin.
 */

export interface LogScale {
  readonly bins: number;
  /** The number of the bin that counts a value of `ms`. */
  binOf(ms: number): number;
  /** The value that a bin stands for: none that it counts is further away than the scale's share. */
  valueOf(bin: number): number;
}

/**
 * Bins whose value is right to within `share`; the first counts everything up to `leastMs`, the last everything
 * beyond.
 */
export function logScale(share: number, leastMs: number, bins: number): LogScale {
  const gamma = (1 + share) / (1 - share);
  const perNat = 1 / Math.log(gamma);
  return {
    bins,
    binOf: (ms) => (ms <= leastMs ? 0 : Math.min(bins - 1, Math.ceil(Math.log(ms / leastMs) * perNat))),
    valueOf: (bin) => (bin === 0 ? leastMs : (leastMs * gamma ** bin * 2) / (1 + gamma)),
  };
}

/** The value at or below which the share `quantile` of the counts lies; 0 when there are none. */
export function percentile(
  counts: { readonly [bin: number]: number },
  first: number,
  scale: LogScale,
  quantile: number,
): number {
  let total = 0;
  for (let bin = 0; bin < scale.bins; bin++) total += counts[first + bin] as number;
  let left = Math.ceil(quantile * total);
  for (let bin = 0; bin < scale.bins; bin++) {
    left -= counts[first + bin] as number;
    if (left <= 0) return total === 0 ? 0 : scale.valueOf(bin);
  }
  return 0;
}
