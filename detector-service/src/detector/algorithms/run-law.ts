/**
 * How many beats may be lost before the next one is heard.
 *
 * A silence has one of two kinds of cause. The device's own link loses beats: a run begins with the link's `entry`, and
 * its length follows one of the LAWS. Or there is an outage, whose length follows what the class has seen (`outages`).
 * What is believed of a device's law is a weight for each, so that the tail of a run is as uncertain as the link is.
 */
import { indexOf, LAWS, LENGTHS, MEAN, SURVIVAL } from './run-laws.ts';

const LENGTH_MAX = LENGTHS[LENGTHS.length - 1] as number;

/** What may befall the next beats of a device. */
export interface Mass {
  /** P(a run of the link's own begins, law), of which only the `active` ones count. */
  readonly values: Float64Array;
  readonly active: Int32Array;
  count: number;
  /** P(an outage begins), and P(outage ≥ length | outage) for each of LENGTHS. */
  outage: number;
  readonly outageSurvival: Float64Array;
}

export const emptyMass = (outageSurvival = new Float64Array(LENGTHS.length)): Mass => ({
  values: new Float64Array(LAWS.length),
  active: new Int32Array(LAWS.length),
  count: 0,
  outage: 0,
  outageSurvival,
});

/** P(at least k beats lost). */
export function runSurvival(mass: Mass, k: number): number {
  if (k > LENGTH_MAX) return at(mass, LENGTHS.length - 1) * (LENGTH_MAX / k);
  const upper = indexOf(k);
  const length = LENGTHS[upper] as number;
  const sum = at(mass, upper);
  if (length === k || upper === 0) return sum;
  const below = LENGTHS[upper - 1] as number;
  const before = at(mass, upper - 1);
  return before <= 0 ? 0 : before * (sum / before) ** (Math.log(k / below) / Math.log(length / below));
}

/** The smallest k with P(at least k beats lost) at most `limit`. */
export function runReach(mass: Mass, limit: number): number {
  let low = 0;
  let high = 1;
  while (high < LENGTHS.length - 1 && at(mass, high) > limit) {
    low = high;
    high = Math.min(LENGTHS.length - 1, high * 2);
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at(mass, middle) > limit) low = middle;
    else high = middle;
  }
  if (low === 0 && at(mass, 0) <= limit) return 1;
  const to = LENGTHS[high] as number;
  const from = LENGTHS[low] as number;
  if (to - from <= 1) return to;
  const above = at(mass, low);
  const share = Math.log(limit / above) / Math.log(at(mass, high) / above);
  return Math.ceil(from * (to / from) ** Math.min(1, share));
}

/** Mean number of beats lost per received beat. */
export function meanLost(mass: Mass): number {
  let sum = 0;
  for (let n = 0; n < mass.count; n++) {
    const i = mass.active[n] as number;
    sum += (mass.values[i] as number) * (MEAN[i] as number);
  }
  let before = 0;
  for (let i = 0; i < LENGTHS.length; i++) {
    const length = LENGTHS[i] as number;
    sum += mass.outage * (length - before) * (mass.outageSurvival[i] as number);
    before = length;
  }
  return sum;
}

/** P(outage | a run of `length` beats was lost). */
export function outageShare(mass: Mass, length: number): number {
  const index = indexOf(Math.min(length, LENGTH_MAX));
  const last = index + 1 === LENGTHS.length;
  const own = byLink(mass, index) - (last ? 0 : byLink(mass, index + 1));
  const survival = mass.outageSurvival;
  const outage = mass.outage * ((survival[index] as number) - (last ? 0 : (survival[index + 1] as number)));
  return outage / Math.max(1e-300, outage + own);
}

function at(mass: Mass, index: number): number {
  return mass.outage * (mass.outageSurvival[index] as number) + byLink(mass, index);
}

function byLink(mass: Mass, index: number): number {
  const row = index * LAWS.length;
  let sum = 0;
  for (let n = 0; n < mass.count; n++) {
    const i = mass.active[n] as number;
    sum += (mass.values[i] as number) * (SURVIVAL[row + i] as number);
  }
  return sum;
}
