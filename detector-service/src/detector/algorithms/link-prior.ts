import {
  emptyMass,
  freshContinuations,
  LAWS,
  logits,
  type Mass,
  runProbability,
  SEEN_STAYS,
  STAYS,
  WIDTH,
} from './run-law.ts';

/** Evidence of one device: slots relative to its base. */
export const TRIALS = 0;
export const RUNS = 1;
/** Fresh continuations under each law. */
export const CONTINUATIONS = 2;
/** Log-likelihood of its runs under each law, relative to the likeliest. */
export const LOG_LIKELIHOOD = CONTINUATIONS + LAWS;
/** Share of runs among the latest gaps. */
export const RECENT = LOG_LIKELIHOOD + LAWS;
export const LINK_SLOTS = RECENT + 1;

/** Gaps that `RECENT` looks back on, and the deviance from what was learned at which the link is another. */
const RECENT_GAPS = 40;
const DEVIANCE_MAX = 7;
/** Devices of a class that are counted each time; of more, every so-manieth. */
const SAMPLE_DEVICES = 2000;
/** Likelihoods and masses below this are left out. */
const NEGLIGIBLE = 1e-11;
const NEGLIGIBLE_LOSS = 1e-9;
/** Share of the evidence that outlasts a change. */
const KEPT = 0.15;

/** Beats and runs a device remembers. */
const MEMORY_TRIALS = 12000;
const MEMORY_RUNS = 600;

const LAWS_FIRST = [0.1, 0.2, 0.7];

/** Values of the loss entry that are told apart, evenly spaced in the logit. */
export const ENTRIES: readonly number[] = logits(5e-5, 0.97, 48);

const LOG_ENTRY = ENTRIES.map(Math.log);
const LOG_NO_ENTRY = ENTRIES.map((e) => Math.log1p(-e));
const LOG_STAY = SEEN_STAYS.map((seen) => seen.map(Math.log));
const LOG_END = SEEN_STAYS.map((seen) => seen.map((m) => Math.log1p(-m)));
const CELLS = ENTRIES.length * STAYS.length;

/**
 * What kinds of link a class has: a distribution over (loss entry, stay), learned from its devices.
 *
 * Empirical Bayes without a shape imposed (Robbins 1956; Laird 1978): each census of a device moves the
 * distribution towards what its evidence and the class together say of it, which is stochastic EM. Entry and stay
 * are kept jointly, because a device that enters losses often mostly also stays in them, and a new device profits
 * from that. A class never seen before begins with a cautious spread over everything from wire to edge of coverage.
 */
export class LinkPrior {
  readonly #cautious = cautious();
  readonly #learned = Float64Array.from(this.#cautious);
  readonly #weights = Float64Array.from(this.#cautious);
  /** [censuses, devices] */
  readonly #counted = new Float64Array(2);
  /** Share of the class's devices that follow each law. */
  readonly #laws = Float64Array.from(LAWS_FIRST);
  /** Of the device last asked about: likelihoods by entry, and by stay under each law. */
  readonly #byEntry = new Float64Array(ENTRIES.length);
  readonly #byStay = new Float64Array(WIDTH);
  readonly #lawShare = new Float64Array(LAWS);
  /** Sums over entries of weight · likelihood, and of the same times the entry. */
  readonly #rowMass = new Float64Array(STAYS.length);
  readonly #rowLoss = new Float64Array(STAYS.length);
  /** Of the device last asked about: P(a run begins, law, stay). */
  readonly lossMass: Mass = emptyMass();
  /** P(stay | law), summing to one within each law. */
  readonly belief = new Float64Array(WIDTH);

  /** Fills `lossMass` and `belief` for the device whose evidence lies at `base`. */
  posterior(state: Float32Array, base: number): void {
    const trials = state[base + TRIALS] as number;
    const runs = state[base + RUNS] as number;
    likelihood(this.#byEntry, 0, LOG_ENTRY, LOG_NO_ENTRY, runs, trials - runs);
    let from = 0;
    let to = ENTRIES.length;
    while ((this.#byEntry[from] as number) < NEGLIGIBLE) from++;
    while ((this.#byEntry[to - 1] as number) < NEGLIGIBLE) to--;
    for (let m = 0; m < STAYS.length; m++) {
      let mass = 0;
      let loss = 0;
      for (let e = from, at = m * ENTRIES.length + from; e < to; e++, at++) {
        const p = (this.#weights[at] as number) * (this.#byEntry[e] as number);
        mass += p;
        loss += p * (ENTRIES[e] as number);
      }
      this.#rowMass[m] = mass;
      this.#rowLoss[m] = loss;
    }
    let top = Number.NEGATIVE_INFINITY;
    for (let law = 0; law < LAWS; law++) top = Math.max(top, state[base + LOG_LIKELIHOOD + law] as number);
    let total = 0;
    for (let law = 0; law < LAWS; law++) {
      const share =
        (this.#laws[law] as number) * Math.exp((state[base + LOG_LIKELIHOOD + law] as number) - top);
      this.#lawShare[law] = share;
      total += share;
    }
    let count = 0;
    for (let law = 0; law < LAWS; law++) {
      const share = (this.#lawShare[law] as number) / total;
      this.#lawShare[law] = share;
      const row = law * STAYS.length;
      likelihood(
        this.#byStay,
        row,
        LOG_STAY[law] as number[],
        LOG_END[law] as number[],
        state[base + CONTINUATIONS + law] as number,
        runs,
      );
      let sum = 0;
      for (let m = 0; m < STAYS.length; m++)
        sum += (this.#rowMass[m] as number) * (this.#byStay[row + m] as number);
      for (let m = 0; m < STAYS.length; m++) {
        const stay = (this.#byStay[row + m] as number) / sum;
        this.#byStay[row + m] = stay;
        this.belief[row + m] = (this.#rowMass[m] as number) * stay;
        const loss = share * (this.#rowLoss[m] as number) * stay;
        this.lossMass.values[row + m] = loss;
        if (loss > NEGLIGIBLE_LOSS) this.lossMass.active[count++] = row + m;
      }
    }
    this.lossMass.count = count;
  }

  /** The device last asked about is counted into the class. */
  census(newcomer: boolean): void {
    const [censuses = 0, before = 0] = this.#counted;
    const devices = newcomer ? before + 1 : before;
    // A large fleet is known from a part of it.
    if (devices > SAMPLE_DEVICES && censuses % Math.ceil(devices / SAMPLE_DEVICES) !== 0) {
      this.#counted.set([censuses + 1, devices]);
      return;
    }
    this.#counted.set([censuses + 1, devices]);
    const step = Math.min((2 + censuses) ** -0.6, 1 / (1 + Math.min(devices, SAMPLE_DEVICES)));
    const caution = Math.max(0.002, 0.5 / (0.5 + devices));
    for (let m = 0; m < STAYS.length; m++) {
      let stay = 0;
      for (let law = 0; law < LAWS; law++) {
        stay += (this.#lawShare[law] as number) * (this.#byStay[law * STAYS.length + m] as number);
      }
      for (let e = 0, at = m * ENTRIES.length; e < ENTRIES.length; e++, at++) {
        const old = this.#learned[at] as number;
        const posterior = (this.#weights[at] as number) * (this.#byEntry[e] as number) * stay;
        const next = old + step * (posterior - old);
        this.#learned[at] = next;
        this.#weights[at] = (1 - caution) * next + caution * (this.#cautious[at] as number);
      }
    }
    for (let law = 0; law < LAWS; law++) {
      const old = this.#laws[law] as number;
      this.#laws[law] = old + step * ((this.#lawShare[law] as number) - old);
    }
  }

  /** One more gap of this device: `missed` beats in a row were lost. */
  learn(state: Float32Array, base: number, missed: number): void {
    let trials = state[base + TRIALS] as number;
    let runs = state[base + RUNS] as number;
    trials++;
    if (missed > 0) {
      this.posterior(state, base);
      for (let law = 0; law < LAWS; law++) {
        const p = runProbability(this.belief, law, missed);
        const at = base + LOG_LIKELIHOOD + law;
        state[at] = (state[at] as number) + Math.log(Math.max(p, 1e-30));
        const c = base + CONTINUATIONS + law;
        state[c] = (state[c] as number) + freshContinuations(law, missed);
      }
      runs++;
    }
    let keep = Math.min(1, MEMORY_TRIALS / trials, MEMORY_RUNS / Math.max(1, runs));
    if (this.#changed(state, base, trials, runs, missed)) keep = KEPT;
    state[base + TRIALS] = trials * keep;
    state[base + RUNS] = runs * keep;
    if (keep === 1 && missed === 0) return;
    let top = Number.NEGATIVE_INFINITY;
    for (let law = 0; law < LAWS; law++) {
      state[base + CONTINUATIONS + law] = (state[base + CONTINUATIONS + law] as number) * keep;
      top = Math.max(top, state[base + LOG_LIKELIHOOD + law] as number);
    }
    for (let law = 0; law < LAWS; law++) {
      const at = base + LOG_LIKELIHOOD + law;
      state[at] = Math.max(-50, ((state[at] as number) - top) * keep);
    }
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
    return [this.#counted, this.#laws, this.#learned, this.#weights];
  }
}

function likelihood(
  into: Float64Array,
  from: number,
  logYes: readonly number[],
  logNo: readonly number[],
  yes: number,
  no: number,
): void {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logYes.length; i++) {
    const value = yes * (logYes[i] as number) + no * (logNo[i] as number);
    into[from + i] = value;
    if (value > top) top = value;
  }
  for (let i = 0; i < logYes.length; i++) into[from + i] = Math.exp((into[from + i] as number) - top);
}

/** Entries mostly small, stays broad and leaning the way of the entry. */
function cautious(): Float64Array {
  const weights = new Float64Array(CELLS);
  let total = 0;
  STAYS.forEach((stay, m) => {
    ENTRIES.forEach((entry, e) => {
      const logit = Math.log(entry / (1 - entry));
      const entryWeight = Math.exp(-(((logit + 4) / 2.5) ** 2) / 2) + 0.005;
      const lean = Math.log(stay / (1 - stay)) - Math.max(-1, logit / 2);
      const weight = entryWeight * (Math.exp(-((lean / 1.7) ** 2) / 2) + 0.01);
      weights[m * ENTRIES.length + e] = weight;
      total += weight;
    });
  });
  return weights.map((w) => w / total);
}
