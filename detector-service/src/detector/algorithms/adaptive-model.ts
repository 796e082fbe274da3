import { Budget } from './budget.ts';
import {
  announced,
  CADENCE_SLOTS,
  expectedAfter,
  expectedSlowed,
  gapEnded,
  jumped,
  learnedInterval,
  missedIn,
  otherInterval,
  slowingRisk,
  stepped,
} from './cadence.ts';
import { afterMistake, faded } from './caution.ts';
import type { Deadlines, Explanation, FreshnessModel, Gap, Plan } from './freshness-model.ts';
import { RUNS, TRIALS } from './link-evidence.ts';
import { LINK_SLOTS, LinkPrior } from './link-prior.ts';
import { Newcomers } from './newcomers.ts';
import { type Mass, meanLost, runReach, runSurvival } from './run-law.ts';
import { type Point, Silence } from './silence.ts';

export interface AdaptiveKnobs {
  /** Usual time between two beats of the class. Milliseconds. */
  readonly intervalMs: number;
  /** Mistaken deaths allowed per device and year, on average over the class. */
  readonly falseAlarmsPerDeviceYear: number;
  /** No deadline is shorter than this. */
  readonly minSilenceMs?: number;
  /** No deadline is longer than this after the expected beat. */
  readonly maxSilenceMs?: number;
}

/** Survival at which silence becomes suspect: φ = 1. */
const SUSPECT_SURVIVAL = 0.1;
/** A cached margin is solved anew when the evidence grew by a share; a gap without loss counts one, a run more. */
const STALE_MAX = 128;
const STALE_SHARE = 0.25;
const RUN_EVIDENCE = 512;
const RUN_EVIDENCE_MIN = 4;
/** … or when the threshold moved by this factor. */
const MOVED = 0.15;
/** Fair shares that lateness may use, of which the best is taken. */
const LATE_SHARES = [0.003, 0.03, 0.1, 0.3, 1];
/** No deadline is so short that a live device outlasts it with this chance. */
const SURVIVAL_MAX = 0.3;

const CADENCE = LINK_SLOTS;
const OWN = LINK_SLOTS + CADENCE_SLOTS;
/** Typical lateness of the device's announced beat. Milliseconds. */
const SCALE = OWN;
/** Cached points at which it is dead and suspect: expected beats, and the margin after the last of them. */
const DEAD_BEATS = OWN + 1;
const DEAD_MARGIN = OWN + 2;
const SUSPECT_BEATS = OWN + 3;
const SUSPECT_MARGIN = OWN + 4;
/** Survival that was fair when they were solved, and the evidence since. */
const SOLVED_FOR = OWN + 5;
const EVIDENCE = OWN + 6;
/** Logarithm of the factor by which it is trusted for longer after a mistake. */
const CAUTION = OWN + 7;
const SLOTS = OWN + 8;

/**
 * The adaptive detector of one class: a false-alarm budget in, the shortest deadline each link allows out.
 *
 * Beliefs about losses (`LinkPrior`, `run-law`), lateness (`Silence`) and the next expected beats (`cadence`) give
 * the survival of a silence; the `Budget` says how small it must become; `caution` bridges what no belief foresees.
 */
export class AdaptiveModel implements FreshnessModel {
  readonly cautious = true;
  readonly slots = SLOTS;
  readonly #knobs: AdaptiveKnobs;
  readonly #links = new LinkPrior();
  readonly #silence: Silence;
  readonly #budget: Budget;
  readonly #point: Point = { beats: 1, marginMs: 0 };
  readonly #newcomers = new Newcomers();

  constructor(knobs: AdaptiveKnobs) {
    this.#knobs = knobs;
    this.#silence = new Silence(knobs.intervalMs);
    this.#budget = new Budget(knobs.falseAlarmsPerDeviceYear);
  }

  init(state: Float32Array, base: number): void {
    state.fill(0, base, base + SLOTS);
    state[base + SCALE] = this.#silence.scaleMs;
    state[base + EVIDENCE] = STALE_MAX;
    this.#links.init(state, base);
    this.#budget.joined();
  }

  learn(state: Float32Array, base: number, told: Gap): void {
    const gap = jumped(told) ? { ...told, missed: -1 } : told;
    const stepMs = learnedInterval(state, base + CADENCE, gap);
    const missed = missedIn(state, base + CADENCE, gap);
    this.#budget.gap(gap.gapMs, stepMs, gap.mistake);
    this.#links.learn(state, base, missed);
    const caution = state[base + CAUTION] as number;
    if (gap.mistake) {
      state[base + CAUTION] = afterMistake(caution);
      state[base + EVIDENCE] = STALE_MAX;
    } else if (caution > 0) state[base + CAUTION] = faded(caution, this.#budget.allowed(gap.gapMs));
    const runs = state[base + RUNS] as number;
    const evidence = missed > 0 ? Math.max(RUN_EVIDENCE_MIN, RUN_EVIDENCE / Math.max(1, runs)) : 1;
    state[base + EVIDENCE] = (state[base + EVIDENCE] as number) + evidence;
    const steady = gap.nextMs > 0 || stepped(state, base + CADENCE, gap, missed);
    gapEnded(state, base + CADENCE, gap);
    if (steady) this.#learnLateness(state, base, gap, missed, stepMs);
  }

  announce(state: Float32Array, base: number, plan: Plan): void {
    announced(state, base + CADENCE, plan);
  }

  freshness(state: Float32Array, base: number, plan: Plan, deadlines: Deadlines): void {
    const stepMs = learnedInterval(state, base + CADENCE, plan);
    this.#links.heard(state, base, plan.at, plan.nextMs > 0 ? plan.nextMs : stepMs);
    const solvedFor = state[base + SOLVED_FOR] as number;
    const gaps = state[base + TRIALS] as number;
    const wanted = this.#budget.fair(stepMs, gaps);
    const moved = Math.abs(wanted - solvedFor) > MOVED * solvedFor;
    const stale = Math.min(STALE_MAX, Math.max(1, STALE_SHARE * gaps));
    if (moved || (state[base + EVIDENCE] as number) >= stale) this.#renew(state, base, stepMs, wanted);
    const firstMs = plan.nextMs > 0 ? plan.nextMs : stepMs;
    deadlines.expectedMs = firstMs;
    const latest = firstMs + (this.#knobs.maxSilenceMs ?? Number.MAX_VALUE);
    const dead = this.#expectedEnd(state, base, plan, stepMs) + (state[base + DEAD_MARGIN] as number);
    deadlines.deadMs = Math.min(latest, Math.max(this.#knobs.minSilenceMs ?? 0, dead));
    const suspectBeats = state[base + SUSPECT_BEATS] as number;
    const suspect =
      expectedAfter(state, base + CADENCE, plan, suspectBeats) + (state[base + SUSPECT_MARGIN] as number);
    deadlines.suspectMs = Math.min(suspect, deadlines.deadMs);
  }

  phi(state: Float32Array, base: number, plan: Plan, silenceMs: number): number {
    const stepMs = learnedInterval(state, base + CADENCE, plan);
    if (silenceMs < expectedAfter(state, base + CADENCE, plan, 1)) return 0;
    let beats = 1;
    let beyond = 2;
    while (expectedAfter(state, base + CADENCE, plan, beyond) <= silenceMs) {
      beats = beyond;
      beyond *= 2;
    }
    while (beyond - beats > 1) {
      const middle = Math.floor((beats + beyond) / 2);
      if (expectedAfter(state, base + CADENCE, plan, middle) <= silenceMs) beats = middle;
      else beyond = middle;
    }
    this.#links.posterior(state, base);
    const marginMs = silenceMs - expectedAfter(state, base + CADENCE, plan, beats);
    const scale = state[base + SCALE] as number;
    return Math.max(
      0,
      -Math.log10(this.#silence.survival(this.#links.lossMass, beats, marginMs, stepMs, scale)),
    );
  }

  explain(state: Float32Array, base: number, plan: Plan): Explanation {
    const stepMs = learnedInterval(state, base + CADENCE, plan);
    this.#links.posterior(state, base);
    const losses = this.#links.lossMass;
    const entry = runSurvival(losses, 1);
    const lost = meanLost(losses);
    const beats = state[base + DEAD_BEATS] as number;
    return {
      algorithm: 'adaptive',
      gaps: state[base + TRIALS] as number,
      intervalMs: stepMs,
      otherIntervalMs: otherInterval(state, base + CADENCE),
      lossEntry: entry,
      lossShare: lost / (1 + lost),
      meanRun: entry > 0 ? lost / entry : 0,
      latenessMs: state[base + SCALE] as number,
      beats,
      marginMs: state[base + DEAD_MARGIN] as number,
      allowedSurvival: this.#budget.fair((1 + lost) * stepMs, state[base + TRIALS] as number),
      pace: this.#budget.pace,
      caution: Math.exp(state[base + CAUTION] as number),
    };
  }

  exportClass(): Float64Array {
    const parts = this.#persistent();
    const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  importClass(numbers: Float64Array): boolean {
    const parts = this.#persistent();
    if (numbers.length !== parts.reduce((sum, part) => sum + part.length, 0)) return false;
    let at = 0;
    for (const part of parts) {
      part.set(numbers.subarray(at, at + part.length));
      at += part.length;
    }
    return true;
  }

  #persistent(): Float64Array[] {
    return [...this.#links.persistent(), ...this.#silence.persistent(), ...this.#budget.persistent()];
  }

  #learnLateness(state: Float32Array, base: number, gap: Gap, missed: number, stepMs: number): void {
    const firstMs = gap.nextMs > 0 ? gap.nextMs : stepMs;
    const lateMs = gap.gapMs - firstMs - missed * stepMs;
    const scale = state[base + SCALE] as number;
    if (missed === 0)
      state[base + SCALE] = this.#silence.learnLate(scale, lateMs, state[base + TRIALS] as number);
    // A beat after losses that is off by half of all that time tells of another interval, not of lateness.
    else if (Math.abs(lateMs) <= 0.5 * stepMs * (missed + 1)) {
      this.#silence.learnLater(scale, lateMs, stepMs, missed);
    }
  }

  /** Expected instant of the last beat that is waited for, in time after the arrival. */
  #expectedEnd(state: Float32Array, base: number, plan: Plan, stepMs: number): number {
    const solved = state[base + DEAD_BEATS] as number;
    const beats = Math.round(solved * Math.exp(state[base + CAUTION] as number));
    const end = expectedAfter(state, base + CADENCE, plan, beats);
    const risk = slowingRisk(state, base + CADENCE);
    const fair = this.#budget.allowed(stepMs);
    if (risk <= fair) return end;
    // The slower interval has to be waited for only as far as its own risk asks: between suspect and dead.
    const few = Math.min(beats, state[base + SUSPECT_BEATS] as number);
    const depth = Math.log((SUSPECT_SURVIVAL * risk) / fair) / Math.log(SUSPECT_SURVIVAL / fair);
    const slowed = Math.max(1, Math.round(few + Math.max(0, depth) * (beats - few)));
    return Math.max(end, expectedSlowed(state, base + CADENCE, plan, slowed));
  }

  /** Solves for new deadlines, unless devices just like this one have them already. */
  #renew(state: Float32Array, base: number, stepMs: number, wanted: number): void {
    const scale = state[base + SCALE] as number;
    const gaps = state[base + TRIALS] as number;
    const { judged } = this.#links;
    const alike = this.#newcomers.alike(gaps, state[base + RUNS] as number, scale, stepMs);
    const solved = alike && this.#newcomers.solved(alike.key, wanted, MOVED, judged);
    if (solved !== undefined) state.set(solved, base + DEAD_BEATS);
    else this.#solve(state, base, stepMs, alike?.scale ?? scale);
    state[base + SOLVED_FOR] = wanted;
    state[base + EVIDENCE] = 0;
    if (alike !== undefined && solved === undefined)
      this.#newcomers.keep(alike.key, wanted, judged, state.slice(base + DEAD_BEATS, base + SOLVED_FOR));
  }

  /** Finds the point at which waiting on costs more than the mistakes that it saves are worth. */
  #waitWorth(losses: Mass, fair: number, sharesMax: number, stepMs: number, scale: number): void {
    const price = this.#budget.price(tailBeats(losses, fair));
    let lost = 0;
    let least = Number.MAX_VALUE;
    // Whoever waits for longer than the least cost so far can only lose.
    for (let k = runReach(losses, fair * sharesMax); k < least; k += Math.max(1, k >> 5)) {
      const left = runSurvival(losses, k) / fair;
      if (k + price * left >= least) continue;
      least = k + price * left;
      lost = left;
    }
    const point = this.#point;
    let best = { beats: 1, marginMs: 0, used: sharesMax };
    least = Number.MAX_VALUE;
    for (const late of LATE_SHARES) {
      const used = Math.min(sharesMax, lost + late);
      this.#silence.reach(losses, Math.min(SURVIVAL_MAX, fair * used), stepMs, scale, point);
      const cost = point.beats + point.marginMs / stepMs + price * used;
      if (cost >= least) continue;
      least = cost;
      best = { ...point, used };
    }
    point.beats = best.beats;
    point.marginMs = best.marginMs;
    this.#budget.spent(best.used);
  }

  #solve(state: Float32Array, base: number, stepMs: number, scale: number): void {
    this.#links.posterior(state, base);
    const losses = this.#links.lossMass;
    const gaps = state[base + TRIALS] as number;
    const fair = this.#budget.fair((1 + meanLost(losses)) * stepMs, gaps);
    const point = this.#point;
    this.#waitWorth(losses, fair, this.#budget.shareMax(gaps), stepMs, scale);
    state[base + DEAD_BEATS] = point.beats;
    state[base + DEAD_MARGIN] = point.marginMs;
    this.#silence.reach(losses, SUSPECT_SURVIVAL, stepMs, scale, point);
    state[base + SUSPECT_BEATS] = point.beats;
    state[base + SUSPECT_MARGIN] = point.marginMs;
  }
}

/** Beats in which the survival falls e-fold, where it comes to `limit`. */
function tailBeats(losses: Mass, limit: number): number {
  const k = runReach(losses, limit);
  const before = k > 1 ? runSurvival(losses, k - 1) : 1;
  return 1 / Math.max(0.05, Math.log(before / runSurvival(losses, k)));
}
