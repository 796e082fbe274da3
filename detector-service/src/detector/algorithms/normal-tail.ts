/** −log10 of the survival of the standard normal, exact and stable as far out as numbers go. */
export function normalPhi(z: number): number {
  if (z < 0) return -Math.log1p(-(10 ** -normalPhi(-z))) / Math.LN10;
  if (z < 3) return -Math.log10(erfcOfBody(z / Math.SQRT2) / 2);
  // Laplace's continued fraction for Mills' ratio Q(z)/φ(z) = 1/(z + 1/(z + 2/(z + 3/(z + …)))).
  let fraction = z;
  for (let n = 60; n >= 1; n--) fraction = z + n / fraction;
  return ((z * z) / 2 + Math.log(fraction) + LOG_ROOT_TWO_PI) / Math.LN10;
}

/** The z at which `normalPhi` reaches `phi`. */
export function normalPhiInverse(phi: number): number {
  let low = -8;
  let high = 8 + Math.sqrt(2 * Math.LN10 * Math.max(1, phi));
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalPhi(middle) < phi) low = middle;
    else high = middle;
  }
  return high;
}

const LOG_ROOT_TWO_PI = 0.5 * Math.log(2 * Math.PI);

/** erfc by the Taylor series of erf: full precision where erfc is not small. */
function erfcOfBody(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200 && Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return 1 - (2 / Math.sqrt(Math.PI)) * sum;
}
