/**
 * The adaptive algorithm: a false-alarm budget in, the shortest deadline this device's link allows out.
 *
 * After a beat the next are expected at e_1 (announced), e_k = e_1 + (k − 1)·interval. While the device lives, the
 * probability of having heard nothing by t is S(t) = Π over expected beats of [q_k + (1 − q_k)·P(lateness > t − e_k)],
 * with q_1 the probability that a loss run starts and q_k that it goes on. A beat is followed by a mistake with
 * probability S(deadline); a year holds year/interval beats; so the deadline is the first t with
 * S(t) ≤ budget · interval / year.
 *
 * Learned per device: loss entry and run continuation as Beta posteriors over decayed counts, of which the
 * posterior predictive is used (a plugged-in mean breaks the budget), and an exponential tail of lateness.
 */
import type { Arrival, Freshness, FreshnessModel, Plan } from './freshness-model.ts';

const YEAR_MS = 365.25 * 86_400_000;
/** Suspicion begins at φ = 1: a silence that one live device in ten shows. */
const SUSPECT_SURVIVAL = 0.1;

/** Prior beliefs in beats' worth of evidence: 2 % of beats start a loss run, one run in five goes on. */
const ENTRY_ALPHA = 0.5;
const ENTRY_BETA = 24.5;
const STICKY_ALPHA = 0.5;
const STICKY_BETA = 2;
/** Weight of the past after each beat: links change over weeks, about a thousand beats. */
const DECAY = 0.999;
/** Lateness before anything is learned, as a part of the interval. */
const LATENESS_PRIOR = 0.02;
const LATENESS_GAIN = 1 / 16;
/** Longest run considered; beyond it the cap `maxSilenceMs` rules anyway. */
const RUN_MAX = 2_000;

/** Layout of the learned numbers. */
const ENTRIES = 0;
const CHANCES = 1;
const RUNS = 2;
const CONTINUED = 3;
const LATE_MEAN = 4;
const LATE_SPREAD = 5;
const SLOTS = 6;

export interface AdaptiveKnobs {
  readonly falseAlarmsPerDeviceYear: number;
  readonly intervalMs: number;
  readonly maxSilenceMs: number;
}

export function adaptiveModel(knobs: AdaptiveKnobs): FreshnessModel {
  return {
    layout: 'adaptive/1',
    slots: SLOTS,
    init(state, base) {
      state[base + LATE_SPREAD] = LATENESS_PRIOR * knobs.intervalMs;
    },
    learn,
    freshness(state, base, plan, out) {
      const budget = Math.min(0.5, (knobs.falseAlarmsPerDeviceYear * plan.intervalMs) / YEAR_MS);
      out.suspectMs = silenceWithSurvival(state, base, plan, Math.max(SUSPECT_SURVIVAL, budget));
      out.deadMs = Math.max(out.suspectMs, silenceWithSurvival(state, base, plan, budget));
    },
    phi: (state, base, plan, silenceMs) => -Math.log10(survival(state, base, plan, silenceMs)),
    explain(state, base, plan) {
      const out: Freshness = { suspectMs: 0, deadMs: 0 };
      this.freshness(state, base, plan, out);
      return {
        lossEntry: goesOn(state, base, 1),
        lossStickiness: goesOn(state, base, 2),
        latenessMeanMs: value(state, base, LATE_MEAN),
        latenessSpreadMs: spreadMs(state, base, plan),
        survivalAtDeadline: survival(state, base, plan, out.deadMs),
        budgetPerBeat: (knobs.falseAlarmsPerDeviceYear * plan.intervalMs) / YEAR_MS,
      };
    },
  };
}

function learn(state: Float32Array, base: number, arrival: Arrival): void {
  const lost = arrival.lostBeats;
  for (const slot of [ENTRIES, CHANCES, RUNS, CONTINUED]) {
    state[base + slot] = DECAY * value(state, base, slot);
  }
  state[base + CHANCES] = value(state, base, CHANCES) + 1;
  if (lost > 0) {
    state[base + ENTRIES] = value(state, base, ENTRIES) + 1;
    state[base + RUNS] = value(state, base, RUNS) + 1;
    state[base + CONTINUED] = value(state, base, CONTINUED) + lost - 1;
  }
  // Only a beat whose predecessor arrived tells about lateness: after a loss the expectation itself is a guess.
  if (lost <= 0 && arrival.expectedGapMs > 0) {
    const latenessMs = arrival.gapMs - arrival.expectedGapMs;
    const error = latenessMs - value(state, base, LATE_MEAN);
    state[base + LATE_MEAN] = value(state, base, LATE_MEAN) + LATENESS_GAIN * error;
    const spread = value(state, base, LATE_SPREAD);
    state[base + LATE_SPREAD] = spread + LATENESS_GAIN * (Math.abs(error) - spread);
  }
}

/** Probability that beat k of a run is lost, given that the k − 1 before it were. */
function goesOn(state: Float32Array, base: number, k: number): number {
  if (k === 1) {
    return (
      (ENTRY_ALPHA + value(state, base, ENTRIES)) / (ENTRY_ALPHA + ENTRY_BETA + value(state, base, CHANCES))
    );
  }
  const alpha = STICKY_ALPHA + value(state, base, CONTINUED);
  return (alpha + k - 2) / (alpha + STICKY_BETA + value(state, base, RUNS) + k - 2);
}

function lateBy(state: Float32Array, base: number, plan: Plan, overdueMs: number): number {
  const excessMs = overdueMs - Math.max(0, value(state, base, LATE_MEAN));
  return excessMs <= 0 ? 1 : Math.exp(-excessMs / spreadMs(state, base, plan));
}

/** Never below a thousandth of the interval: a link that was punctual so far may still hiccup. */
function spreadMs(state: Float32Array, base: number, plan: Plan): number {
  return Math.max(value(state, base, LATE_SPREAD), plan.intervalMs / 1000, 1);
}

/** S(silence). */
function survival(state: Float32Array, base: number, plan: Plan, silenceMs: number): number {
  let product = 1;
  for (let k = 1; k <= RUN_MAX; k += 1) {
    const overdueMs = silenceMs - plan.expectedInMs - (k - 1) * plan.intervalMs;
    if (overdueMs <= 0) break;
    const q = goesOn(state, base, k);
    product *= q + (1 - q) * lateBy(state, base, plan, overdueMs);
  }
  return Math.max(product, Number.MIN_VALUE);
}

/** The first silence whose survival is at most `target`: found beat by beat, then solved for the lateness. */
function silenceWithSurvival(state: Float32Array, base: number, plan: Plan, target: number): number {
  const mean = Math.max(0, value(state, base, LATE_MEAN));
  let lostSoFar = 1;
  for (let k = 1; k <= RUN_MAX; k += 1) {
    const q = goesOn(state, base, k);
    const room = target / lostSoFar - q;
    if (room > 0) {
      const marginMs = mean + spreadMs(state, base, plan) * Math.max(0, Math.log((1 - q) / room));
      if (marginMs < plan.intervalMs) return plan.expectedInMs + (k - 1) * plan.intervalMs + marginMs;
    }
    lostSoFar *= q;
  }
  return Infinity;
}

function value(state: Float32Array, base: number, slot: number): number {
  return state[base + slot] as number;
}
