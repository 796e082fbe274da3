/**
 * How long a run of lost beats lasts, once it has begun.
 *
 * A run goes on with the link's `stay`, and the longer it has lasted the surer it is to go on: after k lost beats
 * with probability (C·stay + k − 1) / (C + k − 1), a Pólya urn of concentration C. Infinite C is the geometric law
 * of a Markov link; C of about 2 has the power-law tail of bursts, with exponent C·(1 − stay). A link is believed
 * to follow one of a few concentrations, each with its own belief about `stay`.
 */

/** Concentrations that are told apart: power-law bursts, in between, memoryless runs. */
export const CONCENTRATIONS = [2.5, 8, 1e6] as const;
export const LAWS = CONCENTRATIONS.length;

/** Values of `stay` that are told apart, evenly spaced in the logit. */
export const STAYS: readonly number[] = logits(0.02, 0.985, 48);

/** Smallest power-law exponent C·(1 − stay) that is believed: below 1 a run would have no mean. */
const TAIL_MIN = 1.1;

/** Run lengths at which survival is tabulated: every one to 40, then in steps of a tenth. */
const LENGTHS: readonly number[] = lengths();
const LENGTH_MAX = LENGTHS[LENGTHS.length - 1] as number;
/** Stays of every law in one row: `mass` vectors have this length. */
export const WIDTH = LAWS * STAYS.length;

/** P(run ≥ length): a row of WIDTH for each of LENGTHS. */
const SURVIVAL = new Float64Array(LENGTHS.length * WIDTH);
/** Mean run length, by law and stay. */
const MEANS = new Float64Array(WIDTH);
/** Continuations of a run that are fresh draws, a row of LAWS for each of LENGTHS. */
const FRESH = new Float64Array(LENGTHS.length * LAWS);
/**
 * What the share of fresh continuations comes out as for each law and true stay. Counting the fresh ones needs
 * the stay itself; they are counted as if it were a half, and read against this.
 */
export const SEEN_STAYS: readonly (readonly number[])[] = CONCENTRATIONS.map(
  () => new Array<number>(STAYS.length),
);
tabulate();

/** A weight for each law and stay, of which only the `active` ones count. */
export interface Mass {
  readonly values: Float64Array;
  readonly active: Int32Array;
  count: number;
}

export const emptyMass = (): Mass => ({
  values: new Float64Array(WIDTH),
  active: new Int32Array(WIDTH),
  count: 0,
});

/** P(run ≥ k) on average over `mass`. */
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

/** The smallest k with P(run ≥ k) at most `limit`, averaged over `mass`. */
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
    sum += (mass.values[i] as number) * (MEANS[i] as number);
  }
  return sum;
}

/** P(run = length) under one law, on average over its part of `mass`. */
export function runProbability(mass: Float64Array, law: number, length: number): number {
  const row = indexOf(Math.min(length, LENGTH_MAX)) * WIDTH;
  const next = row + WIDTH;
  let sum = 0;
  for (let i = law * STAYS.length; i < (law + 1) * STAYS.length; i++) {
    const beyond = next < SURVIVAL.length ? (SURVIVAL[next + i] as number) : 0;
    sum += (mass[i] as number) * ((SURVIVAL[row + i] as number) - beyond);
  }
  return sum;
}

/**
 * Evidence for `stay` in a run of `length` under a law: the continuations that were fresh draws from the link
 * rather than the urn repeating itself (Antoniak 1974). A memoryless law counts them all, a bursty one about
 * their logarithm.
 */
export function freshContinuations(law: number, length: number): number {
  return FRESH[indexOf(Math.min(length, LENGTH_MAX)) * LAWS + law] as number;
}

function at(mass: Mass, index: number): number {
  const row = index * WIDTH;
  let sum = 0;
  for (let n = 0; n < mass.count; n++) {
    const i = mass.active[n] as number;
    sum += (mass.values[i] as number) * (SURVIVAL[row + i] as number);
  }
  return sum;
}

/** Index of the first tabulated length that is at least `k`. */
function indexOf(k: number): number {
  if (k <= 40) return Math.max(0, Math.ceil(k) - 1);
  let index = Math.min(LENGTHS.length - 1, 39 + Math.ceil(Math.log(k / 40) / Math.log(1.1)));
  while (index > 0 && (LENGTHS[index - 1] as number) >= k) index--;
  while (index < LENGTHS.length - 1 && (LENGTHS[index] as number) < k) index++;
  return index;
}

function tabulate(): void {
  CONCENTRATIONS.forEach((concentration, law) => {
    STAYS.forEach((stay, m) => {
      const c = Math.max(concentration, TAIL_MIN / (1 - stay));
      let survival = 1;
      let mean = 0;
      let k = 1;
      let before = 0;
      LENGTHS.forEach((length, i) => {
        for (; k < length; k++) survival *= (c * stay + k - 1) / (c + k - 1);
        SURVIVAL[i * WIDTH + law * STAYS.length + m] = survival;
        mean += (length - before) * survival;
        before = length;
      });
      MEANS[law * STAYS.length + m] = mean;
    });
    let fresh = 0;
    let k = 1;
    LENGTHS.forEach((length, i) => {
      for (; k < length; k++) fresh += concentration / 2 / (concentration / 2 + k - 1);
      FRESH[i * LAWS + law] = fresh;
    });
    STAYS.forEach((_, m) => {
      let expected = 0;
      for (let i = 1; i < LENGTHS.length; i++) {
        const more = (FRESH[i * LAWS + law] as number) - (FRESH[(i - 1) * LAWS + law] as number);
        const at = i * WIDTH + law * STAYS.length + m;
        expected +=
          (more *
            ((SURVIVAL[at] as number) +
              (i < 40 ? (SURVIVAL[at] as number) : (SURVIVAL[at - WIDTH] as number)))) /
          2;
      }
      (SEEN_STAYS[law] as number[])[m] = expected / (1 + expected);
    });
  });
}

function lengths(): number[] {
  const all = Array.from({ length: 40 }, (_, i) => i + 1);
  for (let k = 44; k < 30_000; k = Math.ceil(k * 1.1)) all.push(k);
  return all;
}

export function logits(from: number, to: number, count: number): number[] {
  const low = Math.log(from / (1 - from));
  const high = Math.log(to / (1 - to));
  return Array.from(
    { length: count },
    (_, i) => 1 / (1 + Math.exp(-(low + ((high - low) * i) / (count - 1)))),
  );
}
