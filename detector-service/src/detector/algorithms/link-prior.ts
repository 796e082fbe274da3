import {
  CONTINUATIONS,
  ENTRIES,
  EVIDENCE_SLOTS,
  LinkLikelihood,
  LOG_LENGTHS,
  RUNS,
  TRIALS,
} from './link-evidence.ts';
import { LinkSample } from './link-sample.ts';
import { Outages } from './outages.ts';
import { emptyMass, type Mass, outageShare } from './run-law.ts';
import { LAWS, logLength } from './run-laws.ts';

/** Beside the device's evidence: its outages. */
const OUTAGES = EVIDENCE_SLOTS;
/** Share of runs among the latest gaps. */
export const RECENT = OUTAGES + 1;
/** The device's place in the class's sample. */
const TICKET = RECENT + 1;
export const LINK_SLOTS = TICKET + 1;

/** Gaps that `RECENT` looks back on, and the deviance from what was learned at which the link is another. */
const RECENT_GAPS = 40;
const DEVIANCE_MAX = 7;
/** Masses below this are left out. */
const NEGLIGIBLE_LOSS = 1e-9;

/** Beats and runs a device remembers. */
const MEMORY_TRIALS = 12000;
const MEMORY_RUNS = 600;

/**
 * What is believed of a device's link: its class's distribution over (loss entry, law of runs), updated by its evidence.
 *
 * Empirical Bayes (Robbins 1956): the class's distribution is learned from its devices (`LinkSample`). Entry and
 * stay are kept jointly, because a device that enters losses often mostly also stays in them, and a new device
 * profits from that.
 */
export class LinkPrior {
  readonly #sample = new LinkSample();
  /** Of the device last asked about. */
  readonly #likelihood = new LinkLikelihood();
  /** Sums over entries of weight · likelihood, and of the same times the entry. */
  readonly #rowMass = new Float64Array(LAWS.length);
  readonly #rowLoss = new Float64Array(LAWS.length);
  readonly #outages = new Outages();
  /** What may befall the next beats of the device last asked about. */
  readonly lossMass: Mass = emptyMass(this.#outages.survival);

  /** How often the class was judged anew. */
  get judged(): number {
    return this.#sample.judged;
  }

  /** A device heard for the first time. */
  init(state: Float32Array, base: number): void {
    state[base + TICKET] = this.#sample.joined();
  }

  /** The device was heard; its next beat is due after `stepMs`. */
  heard(state: Float32Array, base: number, at: number, stepMs: number): void {
    this.#sample.heard(state[base + TICKET] as number, at, stepMs);
  }

  /** Fills `lossMass` for the device whose evidence lies at `base`. */
  posterior(state: Float32Array, base: number): void {
    const { weights } = this.#sample;
    this.#likelihood.of(state, base);
    const { byEntry, byLaw, from, to } = this.#likelihood;
    for (let m = 0; m < LAWS.length; m++) {
      let mass = 0;
      let loss = 0;
      for (let e = from, at = m * ENTRIES.length + from; e < to; e++, at++) {
        const p = (weights[at] as number) * (byEntry[e] as number);
        mass += p;
        loss += p * (ENTRIES[e] as number);
      }
      this.#rowMass[m] = mass;
      this.#rowLoss[m] = loss;
    }
    let total = 0;
    for (let m = 0; m < LAWS.length; m++) {
      total += (this.#rowMass[m] as number) * (byLaw[m] as number);
    }
    const mass = this.lossMass;
    mass.count = 0;
    for (let m = 0; m < LAWS.length; m++) {
      const loss = ((this.#rowLoss[m] as number) * (byLaw[m] as number)) / total;
      mass.values[m] = loss;
      if (loss > NEGLIGIBLE_LOSS) mass.active[mass.count++] = m;
    }
    mass.outage = this.#outages.rate(state[base + OUTAGES] as number, state[base + TRIALS] as number);
  }

  /** One more gap of this device: `missed` beats in a row were lost. */
  learn(state: Float32Array, base: number, missed: number): void {
    let own = 1;
    if (missed === 0) this.#outages.none();
    else {
      this.posterior(state, base);
      const outage = outageShare(this.lossMass, missed);
      this.#outages.learn(missed, outage);
      own = 1 - outage;
      state[base + OUTAGES] = (state[base + OUTAGES] as number) + outage;
      state[base + RUNS] = (state[base + RUNS] as number) + own;
      state[base + CONTINUATIONS] = (state[base + CONTINUATIONS] as number) + own * (missed - 1);
      state[base + LOG_LENGTHS] = (state[base + LOG_LENGTHS] as number) + own * logLength(missed);
    }
    const trials = (state[base + TRIALS] as number) + own;
    const runs = state[base + RUNS] as number;
    state[base + TRIALS] = trials;
    const keep = Math.min(1, MEMORY_TRIALS / trials, MEMORY_RUNS / Math.max(1, runs));
    if (this.#changed(state, base, trials, runs, missed)) this.#startAnew(state, base);
    else if (keep < 1) {
      for (let i = TRIALS; i <= OUTAGES; i++) state[base + i] = (state[base + i] as number) * keep;
    }
    this.#sample.grown(state[base + TICKET] as number, state, base);
  }

  /** The link is another one: all that is known of it are its latest gaps. */
  #startAnew(state: Float32Array, base: number): void {
    const runs = RECENT_GAPS * (state[base + RECENT] as number);
    const fewer = runs / Math.max(runs, state[base + RUNS] as number);
    state[base + OUTAGES] =
      ((state[base + OUTAGES] as number) * RECENT_GAPS) / (state[base + TRIALS] as number);
    state[base + CONTINUATIONS] = (state[base + CONTINUATIONS] as number) * fewer;
    state[base + LOG_LENGTHS] = (state[base + LOG_LENGTHS] as number) * fewer;
    state[base + RUNS] = runs;
    state[base + TRIALS] = RECENT_GAPS;
  }

  /** Compares the latest gaps with all those remembered. */
  #changed(state: Float32Array, base: number, trials: number, runs: number, missed: number): boolean {
    const old = state[base + RECENT] as number;
    const recent = old + ((missed > 0 ? 1 : 0) - old) / Math.min(RECENT_GAPS, trials);
    state[base + RECENT] = recent;
    if (trials < 3 * RECENT_GAPS) return false;
    const p = (runs + 0.5) / (trials + 1);
    const q = Math.min(0.999, Math.max(1e-6, recent));
    const deviance = RECENT_GAPS * (q * Math.log(q / p) + (1 - q) * Math.log((1 - q) / (1 - p)));
    return deviance > DEVIANCE_MAX;
  }

  persistent(): Float64Array[] {
    return [...this.#sample.persistent(), ...this.#outages.persistent()];
  }
}
