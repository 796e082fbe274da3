import { BudgetPace } from './budget-pace.ts';
import type { Deadlines, FreshnessModel, Gap, Plan } from './freshness-model.ts';
import { LatenessSketch } from './lateness-sketch.ts';
import { LINK_SLOTS, LinkPrior, RUNS, TRIALS } from './link-prior.ts';
import { meanLost, runReach, runSurvival } from './run-law.ts';

const YEAR_MS = 365.25 * 86_400_000;

/** Survival at which silence becomes suspect: φ = 1. */
const SUSPECT_SURVIVAL = 0.1;
const RESOLVE_BEATS = 64;
const GAMMA = Number(process.env.GAMMA ?? 0.5);
const SHARE_MAX = Number(process.env.SMAX ?? 2);
const CENSUS_BEATS = 500;

export interface AdaptiveKnobs {
  readonly intervalMs: number;
  readonly falseAlarmsPerDeviceYear: number;
  readonly minSilenceMs?: number;
  readonly maxSilenceMs?: number;
}

const SCALE = LINK_SLOTS + 0;
const INTERVAL = LINK_SLOTS + 1;
const DEAD_BEATS = LINK_SLOTS + 2;
const DEAD_MARGIN = LINK_SLOTS + 3;
const SUSPECT_BEATS = LINK_SLOTS + 4;
const SUSPECT_MARGIN = LINK_SLOTS + 5;
const SOLVED_INTERVAL = LINK_SLOTS + 6;
const UNSOLVED = LINK_SLOTS + 7;
/** Gaps heard since the last census. */
const UNCOUNTED = LINK_SLOTS + 8;

export class AdaptiveModel implements FreshnessModel {
  readonly slots = LINK_SLOTS + 9;
  readonly #knobs: AdaptiveKnobs;
  readonly #links = new LinkPrior();
  readonly #late = new LatenessSketch();
  #share = 1;
  #shares = 0;
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
    state.fill(0, base, base + this.slots);
    state[base + UNSOLVED] = 1e9;
    state[base + SCALE] = Math.exp(this.#logScale);
  }

  learn(state: Float32Array, base: number, gap: Gap): void {
    const stepMs = this.#stepMs(state, base, gap);
    const firstMs = gap.nextMs > 0 ? gap.nextMs : stepMs;
    const missed = gap.missed >= 0 ? gap.missed : Math.max(0, Math.round((gap.gapMs - firstMs) / stepMs));
    const allowed = (this.#knobs.falseAlarmsPerDeviceYear * gap.gapMs) / YEAR_MS;
    this.#gaps++;
    this.#pace.gap(allowed, gap.mistake);
    this.#learnLoss(state, base, missed);
    if (missed === 0) this.#learnLateness(state, base, gap.gapMs - firstMs);
    if (gap.nextMs === 0) this.#learnInterval(state, base, gap, missed);
  }

  freshness(state: Float32Array, base: number, plan: Plan, deadlines: Deadlines): void {
    const stepMs = this.#stepMs(state, base, plan);
    const solved = state[base + SOLVED_INTERVAL] as number;
    if ((state[base + UNSOLVED] as number) >= RESOLVE_BEATS || Math.abs(stepMs - solved) > 0.1 * solved) {
      this.#solve(state, base, stepMs);
    }
    const firstMs = plan.nextMs > 0 ? plan.nextMs : stepMs;
    const min = this.#knobs.minSilenceMs ?? 0;
    const max = this.#knobs.maxSilenceMs ?? 1e15;
    const dead = firstMs + ((state[base + DEAD_BEATS] as number) - 1) * stepMs + (state[base + DEAD_MARGIN] as number);
    const suspect =
      firstMs + ((state[base + SUSPECT_BEATS] as number) - 1) * stepMs + (state[base + SUSPECT_MARGIN] as number);
    deadlines.deadMs = Math.min(firstMs + max, Math.max(min, dead));
    deadlines.suspectMs = Math.min(suspect, deadlines.deadMs);
  }

  phi(state: Float32Array, base: number, plan: Plan, silenceMs: number): number {
    const stepMs = this.#stepMs(state, base, plan);
    const firstMs = plan.nextMs > 0 ? plan.nextMs : stepMs;
    if (silenceMs < firstMs) return 0;
    this.#links.posterior(state, base);
    const beats = 1 + Math.floor((silenceMs - firstMs) / stepMs);
    const marginMs = silenceMs - firstMs - (beats - 1) * stepMs;
    return -Math.log10(this.#survival(beats, marginMs, stepMs, state[base + SCALE] as number));
  }

  debug(): unknown {
    return { w: this.#links.laws().map((w) => w.toFixed(4)).join(' '), pace: this.#pace.factor.toFixed(2), scale: Math.exp(this.#logScale).toFixed(0), late: [1,2,4,8,16,64,256,1024].map(x=>this.#late.survival(x).toExponential(1)).join(' ') };
  }

  #stepMs(state: Float32Array, base: number, plan: Plan): number {
    if (plan.nextMs > 0) return plan.nextMs;
    const learned = state[base + INTERVAL] as number;
    return learned > 0 ? learned : plan.intervalMs;
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

  #learnInterval(state: Float32Array, base: number, gap: Gap, missed: number): void {
    const each = gap.gapMs / (missed + 1);
    const learned = state[base + INTERVAL] as number;
    state[base + INTERVAL] = learned === 0 ? each : learned + (each - learned) / 8;
  }

  #survival(beats: number, marginMs: number, stepMs: number, scale: number): number {
    const mass = this.#links.lossMass;
    let later = beats === 0 ? 1 : runSurvival(mass, beats);
    let sum = later;
    for (let back = 0; back < Math.min(beats, 4); back++) {
      const k = beats - 1 - back;
      const sooner = k === 0 ? 1 : runSurvival(mass, k);
      sum += (sooner - later) * this.#late.survival((marginMs + back * stepMs) / scale);
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
    const fair = Math.min(0.3, (this.#knobs.falseAlarmsPerDeviceYear * beats * stepMs * this.#pace.factor) / YEAR_MS + 0.1 / (10 + this.#gaps));
    const k = runReach(this.#links.lossMass, fair);
    const before = k > 1 ? runSurvival(this.#links.lossMass, k - 1) : 1;
    const tail = 1 / Math.max(0.05, Math.log(before / runSurvival(this.#links.lossMass, k)));
    const share = tail ** GAMMA;
    this.#share += (share - this.#share) / Math.min(3000, ++this.#shares);
    const limit = Math.min(0.3, fair * Math.min(SHARE_MAX, Math.max(1 / SHARE_MAX, share / this.#share)));
    const dead = this.#reach(limit, stepMs, scale, 1);
    state[base + DEAD_BEATS] = dead;
    state[base + DEAD_MARGIN] = this.#margin(dead, limit, stepMs, scale);
    const suspect = this.#reach(SUSPECT_SURVIVAL, stepMs, scale, 1);
    state[base + SUSPECT_BEATS] = suspect;
    state[base + SUSPECT_MARGIN] = this.#margin(suspect, SUSPECT_SURVIVAL, stepMs, scale);
    state[base + SOLVED_INTERVAL] = stepMs;
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
      if (later + rest + (sooner - later) * this.#late.survival(middle / scale) > limit) low = middle;
      else high = middle;
    }
    return high;
  }
}
