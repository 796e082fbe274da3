import { indexOf, LAWS, LOG_SCALE, logits, SURVIVAL } from './run-laws.ts';

/** Evidence of one device about its link: slots relative to its base. Gaps that were no outage, and those with losses. */
export const TRIALS = 0;
export const RUNS = 1;
/** Beats lost in its runs after the first of each. */
export const CONTINUATIONS = 2;
/** Sum of the logarithms of their lengths. */
export const LOG_LENGTHS = 3;
export const EVIDENCE_SLOTS = 4;

/** Values of the loss entry that are told apart, evenly spaced in the logit. */
export const ENTRIES: readonly number[] = logits(2e-6, 0.97, 56);
/** (law, entry) in one row: distributions over links have this length. */
export const CELLS = ENTRIES.length * LAWS.length;

const LOG_ENTRY = ENTRIES.map(Math.log);
const LOG_NO_ENTRY = ENTRIES.map((e) => Math.log1p(-e));
const DECAY = LAWS.map(({ decay }) => decay);
const LOG_STAY = LAWS.map(({ stay }) => Math.log(stay));
/** Likelihoods below this are left out. */
const NEGLIGIBLE = 1e-11;

/** How likely each link makes what was seen of one device; each likelihood is scaled to a largest value of one. */
export class LinkLikelihood {
  readonly byEntry = new Float64Array(ENTRIES.length);
  readonly byLaw = new Float64Array(LAWS.length);
  /** The entries from `from` up to `to` are those that matter. */
  from = 0;
  to = ENTRIES.length;

  /** Of the device whose evidence lies at `base`, of which `open` beats are lost in a run that goes on. */
  of(state: Float32Array | Float64Array, base: number, open = 0): void {
    const trials = state[base + TRIALS] as number;
    const runs = state[base + RUNS] as number;
    const begun = open > 0 ? 1 : 0;
    binomial(this.byEntry, LOG_ENTRY, LOG_NO_ENTRY, runs + begun, trials - runs);
    this.from = 0;
    this.to = ENTRIES.length;
    while ((this.byEntry[this.from] as number) < NEGLIGIBLE) this.from++;
    while ((this.byEntry[this.to - 1] as number) < NEGLIGIBLE) this.to--;
    const continuations = state[base + CONTINUATIONS] as number;
    const logs = state[base + LOG_LENGTHS] as number;
    const begins = indexOf(open) * LAWS.length;
    for (let law = 0; law < LAWS.length; law++) {
      const scale = LOG_SCALE[law] as number;
      const value = runs * scale + continuations * (LOG_STAY[law] as number) - logs * (DECAY[law] as number);
      this.byLaw[law] = begun === 0 ? value : value + Math.log(SURVIVAL[begins + law] as number);
    }
    exponentials(this.byLaw);
  }
}

function binomial(
  into: Float64Array,
  logYes: readonly number[],
  logNo: readonly number[],
  yes: number,
  no: number,
): void {
  for (let i = 0; i < logYes.length; i++) into[i] = yes * (logYes[i] as number) + no * (logNo[i] as number);
  exponentials(into);
}

/** Logarithms to values relative to the largest, in place. */
function exponentials(values: Float64Array): void {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) top = Math.max(top, values[i] as number);
  for (let i = 0; i < values.length; i++) values[i] = Math.exp((values[i] as number) - top);
}
