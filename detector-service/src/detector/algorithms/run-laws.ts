/**
 * The laws that the length of a run of lost beats may follow: P(length) ∝ length^−decay · stay^length.
 *
 * With no decay it is the geometric law of a Markov chain, whose next beat is lost with `stay`. With decay and a stay
 * of one it is a power law, as of links whose quality changes on all time scales; between them lies what is cut off
 * at some length. It is one exponential family: a link's runs tell of its law by their number, the sum of their
 * lengths and the sum of the logarithms of their lengths.
 */
export interface RunLaw {
  readonly decay: number;
  readonly stay: number;
}

/** Stays of the laws without decay, evenly spaced in the logit. They come first among the laws. */
export const STAYS: readonly number[] = logits(0.001, 0.985, 48);
/** Decays of bursts: P(run ≥ k) goes as k to one less than this, up to where it is cut off. */
export const DECAYS: readonly number[] = [1, 1.75, 2.5, 3.25];
/** Lengths at which bursts are cut off. */
export const CUTS: readonly number[] = [4, 10, 25, 63, 160, 1000];

/** What a time lasts longer than the whole beats in it: (k + this)^−decay falls as the rounded power law does. */
const ROUNDED = 0.4;

export const LAWS: readonly RunLaw[] = [
  ...STAYS.map((stay) => ({ decay: 0, stay })),
  ...DECAYS.flatMap((decay) => CUTS.map((cut) => ({ decay, stay: Math.exp(-1 / cut) }))),
];

/** Run lengths at which survival is tabulated: every one to 40, then in steps of a tenth. */
export const LENGTHS: readonly number[] = lengths();

/** P(run ≥ length): a row over LAWS for each of LENGTHS. */
export const SURVIVAL = new Float64Array(LENGTHS.length * LAWS.length);
/** Logarithm of what makes length^−decay · stay^(length − 1) a distribution. */
export const LOG_SCALE = new Float64Array(LAWS.length);
/** Mean length. */
export const MEAN = new Float64Array(LAWS.length);
LAWS.forEach(tabulate);

/** Index of the first tabulated length that is at least `k`. */
export function indexOf(k: number): number {
  if (k <= 40) return Math.max(0, Math.ceil(k) - 1);
  let index = Math.min(LENGTHS.length - 1, 39 + Math.ceil(Math.log(k / 40) / Math.log(1.1)));
  while (index > 0 && (LENGTHS[index - 1] as number) >= k) index--;
  while (index < LENGTHS.length - 1 && (LENGTHS[index] as number) < k) index++;
  return index;
}

/**
 * The logarithm that decays of a run of `length` lost beats. A cause that lasts for a time of any length silences the
 * beats that fall into it, so that a length is a time rounded down: between length and length + 1, and rather short.
 */
export function logLength(length: number): number {
  return Math.log(length + ROUNDED);
}

/** Sums up a law from its end; between tabulated lengths each counts as the geometric mean of the two. */
function tabulate({ decay, stay }: RunLaw, law: number): void {
  const at = (length: number): number => Math.exp(-decay * logLength(length) + (length - 1) * Math.log(stay));
  let total = 0;
  let lengthsTotal = 0;
  for (let i = LENGTHS.length - 1; i >= 0; i--) {
    const length = LENGTHS[i] as number;
    const steps = (LENGTHS[i + 1] ?? length + 1) - length;
    const mass = steps === 1 ? at(length) : between(at(length), at(length + steps), steps);
    total += mass;
    SURVIVAL[i * LAWS.length + law] = total;
    lengthsTotal += mass * (length + (steps - 1) / 2);
  }
  for (let i = 0; i < LENGTHS.length; i++)
    SURVIVAL[i * LAWS.length + law] = (SURVIVAL[i * LAWS.length + law] as number) / total;
  LOG_SCALE[law] = -Math.log(total);
  MEAN[law] = lengthsTotal / total;
}

/** Σ over `steps` lengths of what falls from `first` to `next` as a geometric sequence. */
function between(first: number, next: number, steps: number): number {
  if (first <= 0) return 0;
  const ratio = (next / first) ** (1 / steps);
  return ratio > 1 - 1e-9 ? first * steps : (first * (1 - ratio ** steps)) / (1 - ratio);
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
