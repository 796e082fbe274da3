/** How far a count may be off by chance alone. */

/** Above this, the cube-root normal approximation is right to a thousandth. */
const EXACT_MAX = 200;
const Z_975 = 1.959963984540054;

/**
 * The 95 % interval of the expectation behind a Poisson count (Garwood 1936): exact for small counts, by Wilson and
 * Hilferty's approximation of the chi-squared quantile for large ones.
 */
export function poissonInterval(count: number): [low: number, high: number] {
  if (count > EXACT_MAX) return [wilsonHilferty(count, -Z_975), wilsonHilferty(count + 1, Z_975)];
  const low = count === 0 ? 0 : solve((mean) => 1 - atMost(count - 1, mean) - 0.025, count);
  return [low, solve((mean) => 0.025 - atMost(count, mean), count)];
}

/** P(X ≤ count) for a Poisson X. */
function atMost(count: number, mean: number): number {
  let term = Math.exp(-mean);
  let sum = term;
  for (let k = 1; k <= count; k += 1) {
    term *= mean / k;
    sum += term;
  }
  return sum;
}

/** The root of a rising function, near a count. */
function solve(rising: (mean: number) => number, count: number): number {
  let low = 0;
  let high = count + 6 * Math.sqrt(count + 1);
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (rising(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function wilsonHilferty(count: number, z: number): number {
  return count * (1 - 1 / (9 * count) + z / (3 * Math.sqrt(count))) ** 3;
}
