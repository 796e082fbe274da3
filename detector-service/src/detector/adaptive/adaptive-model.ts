import { BudgetPace } from './budget-pace.ts';
import { announced, CADENCE_SLOTS, expectedAfter, expectedSlowed, gapEnded, learnedInterval, missedIn, slowingRisk, stepped } from './cadence.ts';
import type { Deadlines, FreshnessModel, Gap, Plan } from './freshness-model.ts';
import { LatenessSketch } from './lateness-sketch.ts';
import { LINK_SLOTS, LinkPrior, RUNS, TRIALS } from './link-prior.ts';
import { meanLost, runReach, runSurvival } from './run-law.ts';

const YEAR_MS = 365.25 * 86_400_000;

/** Survival at which silence becomes suspect: φ = 1. */
const SUSPECT_SURVIVAL = 0.1;
const RESOLVE_BEATS = 64;
/** Beats after which a change of the threshold shows in the mistakes. */
const SETTLING_BEATS = 5;
const SOONER = Number(process.env.SOON ?? 0.2);
const SHARE_PLATEAU = Number(process.env.PLAT ?? 4);
const GUARD = Number(process.env.GUARD ?? 0.1);
const GAMMA = Number(process.env.GAMMA ?? 0.5);
const SHARE_MAX = Number(process.env.SMAX ?? 2);
const CENSUS_BEATS = 500;

export interface AdaptiveKnobs {
  readonly intervalMs: number;
  readonly falseAlarmsPerDeviceYear: number;
  readonly minSilenceMs?: number;
  readonly maxSilenceMs?: number;
}

const CADENCE = LINK_SLOTS;
const OWN = LINK_SLOTS + CADENCE_SLOTS;
const SCALE = OWN + 0;
const DEAD_BEATS = OWN + 1;
const DEAD_MARGIN = OWN + 2;
const SUSPECT_BEATS = OWN + 3;
const SUSPECT_MARGIN = OWN + 4;
const SOLVED_FOR = OWN + 5;
const UNSOLVED = OWN + 6;
const UNCOUNTED = OWN + 7;

export class AdaptiveModel implements FreshnessModel {
  readonly slots = OWN + 8;
  readonly #knobs: AdaptiveKnobs;
  readonly #links = new LinkPrior();
  readonly #late = new LatenessSketch();
  /** The same for a beat that comes after lost ones. */
  readonly #later = new LatenessSketch();
  /** Silences of the whole class in multiples of the interval, and the longest one worth waiting for. */
  readonly #silences = new LatenessSketch();
  #meanGap = 1;
  #multiple = 1e9;
  #devices = 0;
  #price = 2;
  #solves = 0;
  #share = 1;
  #shares = 0;
  /** Unsteadiness of the steps after the announced one, relative to the step. */
  #jitter = 0.05;
  #jitters = 0;
  #gaps = 0;
  readonly #pace = new BudgetPace();
  /** Logarithm of the class's typical lateness scale. */
  #logScale: number;
  #scales = 0;

  constructor(knobs: AdaptiveKnobs) {
    this.#knobs = knobs;
    this.#logScale = Math.log(0.02 * knobs.intervalMs);
  }

  init(state: Float32Array, base: number): void {
    this.#devices++;
    state.fill(0, base, base + this.slots);
    state[base + UNSOLVED] = 1e9;
    state[base + SCALE] = Math.exp(this.#logScale);
  }

  learn(state: Float32Array, base: number, gap: Gap): void {
    const stepMs = learnedInterval(state, base + CADENCE, gap);
    const firstMs = gap.nextMs > 0 ? gap.nextMs : stepMs;
    const missed = missedIn(state, base + CADENCE, gap);
    const allowed = (this.#knobs.falseAlarmsPerDeviceYear * gap.gapMs) / YEAR_MS;
    this.#gaps++;
    this.#silences.learn(gap.gapMs / stepMs);
    this.#meanGap += (gap.gapMs / stepMs - this.#meanGap) / Math.min(20_000, this.#gaps + 10);
    if (this.#gaps % 256 === 0) this.#limitMultiple(stepMs);
    this.#pace.gap(allowed, gap.mistake, (SETTLING_BEATS * this.#devices * this.#knobs.falseAlarmsPerDeviceYear * stepMs) / YEAR_MS);
    this.#learnLoss(state, base, missed);
    const steady = gap.nextMs > 0 || stepped(state, base + CADENCE, gap, missed);
    gapEnded(state, base + CADENCE, gap);
    const lateMs = gap.gapMs - firstMs - missed * stepMs;
    if (!steady || Math.abs(lateMs) > 0.5 * stepMs * (missed + 1) && missed > 0) return;
    if (missed === 0) this.#learnLateness(state, base, lateMs);
    else this.#learnJitter(state, base, lateMs, stepMs, missed);
  }

  freshness(state: Float32Array, base: number, plan: Plan, deadlines: Deadlines): void {
    if (plan.nextMs > 0) announced(state, base + CADENCE, plan);
    const stepMs = learnedInterval(state, base + CADENCE, plan);
    const solved = state[base + SOLVED_FOR] as number;
    const wanted = stepMs * this.#pace.factor;
    if ((state[base + UNSOLVED] as number) >= RESOLVE_BEATS || Math.abs(wanted - solved) > 0.15 * solved) {
      this.#solve(state, base, stepMs);
    }
    const deadBeats = state[base + DEAD_BEATS] as number;
    let dead = expectedAfter(state, base + CADENCE, plan, deadBeats);
    const risk = slowingRisk(state, base + CADENCE);
    if (risk > 0) {
      // The slower interval only has to be waited for as far as its own risk asks: between suspect and dead.
      const fair = Math.log((this.#knobs.falseAlarmsPerDeviceYear * stepMs) / YEAR_MS);
      const few = state[base + SUSPECT_BEATS] as number;
      const depth = (Math.log(SUSPECT_SURVIVAL) - (fair - Math.log(risk))) / (Math.log(SUSPECT_SURVIVAL) - fair);
      if (fair < Math.log(risk)) {
        const beats = Math.max(1, Math.round(few + Math.max(0, depth) * (deadBeats - few)));
        dead = Math.max(dead, expectedSlowed(state, base + CADENCE, plan, beats));
      }
    }
    dead += state[base + DEAD_MARGIN] as number;
    dead = Math.min(dead, this.#multiple * stepMs);
    const suspect =
      expectedAfter(state, base + CADENCE, plan, state[base + SUSPECT_BEATS] as number) +
      (state[base + SUSPECT_MARGIN] as number);
    const firstMs = plan.nextMs > 0 ? plan.nextMs : stepMs;
    deadlines.deadMs = Math.min(
      firstMs + (this.#knobs.maxSilenceMs ?? 1e15),
      Math.max(this.#knobs.minSilenceMs ?? 0, dead),
    );
    deadlines.suspectMs = Math.min(suspect, deadlines.deadMs);
  }

  phi(state: Float32Array, base: number, plan: Plan, silenceMs: number): number {
    const stepMs = learnedInterval(state, base + CADENCE, plan);
    const firstMs = plan.nextMs > 0 ? plan.nextMs : stepMs;
    if (silenceMs < firstMs) return 0;
    this.#links.posterior(state, base);
    const beats = 1 + Math.floor((silenceMs - firstMs) / stepMs);
    const marginMs = silenceMs - firstMs - (beats - 1) * stepMs;
    return -Math.log10(this.#survival(beats, marginMs, stepMs, state[base + SCALE] as number));
  }

  debug(): unknown {
    return { w: this.#links.laws().map((w) => w.toFixed(4)).join(' '), jitter: this.#jitter.toExponential(2), price: this.#price.toFixed(2), multiple: this.#multiple.toFixed(1), pace: this.#pace.factor.toFixed(2), scale: Math.exp(this.#logScale).toFixed(0), late: [1,2,4,8,16,64,256,1024].map(x=>this.#late.survival(x).toExponential(1)).join(' ') };
  }

  #learnLoss(state: Float32Array, base: number, missed: number): void {
    this.#links.learn(state, base, missed);
    state[base + UNCOUNTED] = (state[base + UNCOUNTED] as number) + 1;
    const evidence = missed > 0 ? Math.max(4, (RESOLVE_BEATS * 8) / (state[base + RUNS] as number)) : 1;
    state[base + UNSOLVED] = (state[base + UNSOLVED] as number) + evidence;
  }

  #learnLateness(state: Float32Array, base: number, lateMs: number): void {
    const scale = state[base + SCALE] as number;
    this.#late.learn(lateMs / scale);
    const trials = state[base + TRIALS] as number;
    const sample = Math.min(Math.abs(lateMs), 6 * scale);
    const next = Math.max(1, scale + (sample - scale) / Math.min(50, trials + 2));
    state[base + SCALE] = next;
    this.#scales++;
    this.#logScale += (Math.log(next) - this.#logScale) / Math.min(2000, this.#scales + 3);
  }

  /** The multiple of the interval that alone would have kept the whole class at a third of its budget. */
  #limitMultiple(stepMs: number): void {
    const fair = (this.#knobs.falseAlarmsPerDeviceYear * this.#meanGap * stepMs) / YEAR_MS;
    const limit = GUARD * fair * Math.min(1, this.#pace.factor);
    let low = 1;
    let high = 1e6;
    while (high / low > 1.01) {
      const middle = Math.sqrt(low * high);
      if (this.#silences.survival(middle) > limit) low = middle;
      else high = middle;
    }
    this.#multiple = high;
  }

  #learnJitter(state: Float32Array, base: number, lateMs: number, stepMs: number, missed: number): void {
    const spread = this.#spread(state[base + SCALE] as number, stepMs, missed);
    this.#later.learn(lateMs / spread);
    const sample = Math.abs(lateMs) / (stepMs * Math.sqrt(missed));
    this.#jitter += (Math.min(sample, 6 * this.#jitter + 1e-6) - this.#jitter) / Math.min(2000, ++this.#jitters + 4);
  }

  /** Typical lateness of the beat after `missed` lost ones: the announced one has only the link's. */
  #spread(scale: number, stepMs: number, missed: number): number {
    return scale + this.#jitter * stepMs * Math.sqrt(missed);
  }

  /** P(later than marginMs | `missed` beats were lost before). */
  #lateAfter(missed: number, marginMs: number, scale: number, stepMs: number): number {
    return missed === 0
      ? this.#late.survival(marginMs / scale)
      : this.#later.survival(marginMs / this.#spread(scale, stepMs, missed));
  }

  #survival(beats: number, marginMs: number, stepMs: number, scale: number): number {
    const mass = this.#links.lossMass;
    let later = runSurvival(mass, beats);
    let sum = later;
    for (let back = 0; back < Math.min(beats, 4); back++) {
      const k = beats - 1 - back;
      const sooner = k === 0 ? 1 : runSurvival(mass, k);
      sum += (sooner - later) * this.#lateAfter(k, marginMs + back * stepMs, scale, stepMs);
      later = sooner;
    }
    return sum;
  }

  #solve(state: Float32Array, base: number, stepMs: number): void {
    this.#links.posterior(state, base);
    const trials = state[base + TRIALS] as number;
    if ((state[base + UNCOUNTED] as number) >= Math.min(CENSUS_BEATS, Math.max(8, trials / 2))) {
      this.#links.census((state[base + UNCOUNTED] as number) === trials);
      state[base + UNCOUNTED] = 0;
    }
    const beats = 1 + meanLost(this.#links.lossMass);
    const scale = state[base + SCALE] as number;
    const nominal = (this.#knobs.falseAlarmsPerDeviceYear * beats * stepMs) / YEAR_MS;
    const pace = trials < 40 ? Math.min(1, this.#pace.factor) : this.#pace.factor;
    const fair = Math.min(0.3, nominal * pace + 0.1 / (10 + this.#gaps));
    const k = runReach(this.#links.lossMass, fair);
    const before = k > 1 ? runSurvival(this.#links.lossMass, k - 1) : 1;
    const tail = 1 / Math.max(0.05, Math.log(before / runSurvival(this.#links.lossMass, k)));
    const share = tail ** GAMMA;
    const max = trials < 40 ? 1.5 : SHARE_MAX;
    this.#share += (share - this.#share) / Math.min(3000, ++this.#shares);
    const limit = Math.min(0.3, fair * Math.min(max, Math.max(1 / SHARE_MAX, share / this.#share)));
    let dead = this.#reach(limit, stepMs, scale, 1);
    let margin = this.#margin(dead, limit, stepMs, scale);
    let used = limit / fair;
    if (dead > 1 && trials >= 40) {
      const sooner = SOONER * stepMs;
      const more = this.#survival(dead - 1, sooner, stepMs, scale) / fair;
      const saved = 1 + (margin - sooner) / stepMs;
      if (more <= SHARE_PLATEAU && this.#price * (more - used) < saved) {
        dead--;
        margin = sooner;
        used = more;
      }
    }
    this.#price = Math.min(1000, Math.max(0.02, this.#price * Math.exp((Math.min(used, 5) - 1) / Math.min(1000, 20 + this.#solves++))));
    state[base + DEAD_BEATS] = dead;
    state[base + DEAD_MARGIN] = margin;
    const suspect = this.#reach(SUSPECT_SURVIVAL, stepMs, scale, 1);
    state[base + SUSPECT_BEATS] = suspect;
    state[base + SUSPECT_MARGIN] = this.#margin(suspect, SUSPECT_SURVIVAL, stepMs, scale);
    state[base + SOLVED_FOR] = stepMs * this.#pace.factor;
    state[base + UNSOLVED] = 0;
  }

  /** The expected beat within whose step the survival falls to the limit. */
  #reach(limit: number, stepMs: number, scale: number, from: number): number {
    let k = Math.max(from, runReach(this.#links.lossMass, limit));
    while (k < 30_000 && this.#survival(k, stepMs, stepMs, scale) > limit) k++;
    return k;
  }

  #margin(beats: number, limit: number, stepMs: number, scale: number): number {
    const mass = this.#links.lossMass;
    const sooner = beats === 1 ? 1 : runSurvival(mass, beats - 1);
    const later = runSurvival(mass, beats);
    const rest = this.#survival(beats, stepMs, stepMs, scale) - later;
    let low = 0;
    let high = stepMs;
    for (let i = 0; i < 20; i++) {
      const middle = (low + high) / 2;
      if (later + rest + (sooner - later) * this.#lateAfter(beats - 1, middle, scale, stepMs) > limit) low = middle;
      else high = middle;
    }
    return high;
  }
}
