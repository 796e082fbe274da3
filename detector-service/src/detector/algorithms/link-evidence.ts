import { logits, STAYS } from './run-law.ts';

/** Evidence of one device about its link: slots relative to its base. Gaps that were no outage, and those with losses. */
export const TRIALS = 0;
export const RUNS = 1;
/** Beats lost in its runs after the first of each. */
export const CONTINUATIONS = 2;
export const EVIDENCE_SLOTS = 3;

/** Values of the loss entry that are told apart, evenly spaced in the logit. */
export const ENTRIES: readonly number[] = logits(5e-5, 0.97, 48);
/** (stay, entry) in one row: distributions over links have this length. */
export const CELLS = ENTRIES.length * STAYS.length;

const LOG_ENTRY = ENTRIES.map(Math.log);
const LOG_NO_ENTRY = ENTRIES.map((e) => Math.log1p(-e));
const LOG_STAY = STAYS.map(Math.log);
const LOG_END = STAYS.map((m) => Math.log1p(-m));
/** Likelihoods below this are left out. */
const NEGLIGIBLE = 1e-11;

/** How likely each link makes what was seen of one device; each likelihood is scaled to a largest value of one. */
export class LinkLikelihood {
  readonly byEntry = new Float64Array(ENTRIES.length);
  readonly byStay = new Float64Array(STAYS.length);
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
    const continuations = (state[base + CONTINUATIONS] as number) + open - begun;
    binomial(this.byStay, LOG_STAY, LOG_END, continuations, runs);
  }
}

function binomial(
  into: Float64Array,
  logYes: readonly number[],
  logNo: readonly number[],
  yes: number,
  no: number,
): void {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logYes.length; i++) {
    const value = yes * (logYes[i] as number) + no * (logNo[i] as number);
    into[i] = value;
    if (value > top) top = value;
  }
  for (let i = 0; i < logYes.length; i++) into[i] = Math.exp((into[i] as number) - top);
}
