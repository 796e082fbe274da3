import type { Gap, Plan } from './freshness-model.ts';

/**
 * When the next beats are due: the interval a device keeps, learned from what it announces or else does.
 *
 * A device keeps one interval at a time. It may have a second one (night, low battery, another configuration);
 * how it changes to the slower one matters, because the deadline must allow for it: at a habitual time of day, or
 * at any time. Going faster only shortens deadlines and needs no foresight.
 */

/** Slots, relative to the base handed in. */
const INTERVAL = 0;
/** The slower or faster interval it kept before; 0 when there was none. */
const OTHER = 1;
/** Time of day at which it last slowed down, plus one; 0 when it never did. */
const SLOWED = 2;
/** Slow-downs at other times of day than the last one, fading. */
const UNFORESEEN = 3;
/** An interval seen once that would be a change, and how often in a row. */
const CANDIDATE = 4;
const REPEATS = 5;
/** Length of the latest gap: a change came somewhere within. */
const SINCE = 6;
/** Steps that kept the interval since it last changed. */
const KEPT = 7;
/** Time of day at which it last went faster, plus one; 0 when it never did or not by habit. */
const SPED = 8;
export const CADENCE_SLOTS = 9;

/** Steps after which an interval is a habit, to be expected again. */
const HABIT = 6;
/** Beats looked ahead one by one. */
const WALK_MAX = 200;
/** Equal gaps in a row that make a slower interval, when losses could explain them as well; else a change. */
const REPEATS_UNNUMBERED = 8;
const REPEATS_NUMBERED = 2;

const DAY_MS = 86_400_000;
/** A step is another interval when it differs by more than this factor. */
const CHANGE = 1.4;
/** Gaps after which half an unforeseen slow-down is forgotten, roughly. */
const FADE = 1 / 2000;

export function learnedInterval(state: Float32Array, base: number, plan: Plan): number {
  const learned = state[base + INTERVAL] as number;
  if (learned > 0) return learned;
  return plan.nextMs > 0 ? plan.nextMs : plan.intervalMs;
}

/** The second interval it is known to keep; 0 when there is none. Milliseconds. */
export function otherInterval(state: Float32Array, base: number): number {
  return state[base + OTHER] as number;
}

/** No device beats so much more often than its class says: numbers that would mean so have jumped. */
const FASTER_MAX = 10_000;

/** True when the beats that a gap is said to hold cannot have been planned: a counter was reset, or lies. */
export function jumped({ missed, gapMs, intervalMs }: Gap): boolean {
  return gapMs / (missed + 1) < Math.max(1, intervalMs / FASTER_MAX);
}

/** Beats lost in a gap; counted from its length when the device does not number its beats. */
export function missedIn(state: Float32Array, base: number, gap: Gap): number {
  if (gap.missed >= 0) return gap.missed;
  const interval = learnedInterval(state, base, gap);
  const first = gap.nextMs > 0 ? gap.nextMs : interval;
  if (gap.nextMs === 0 && near(gap.gapMs, state[base + OTHER] as number, 1.08)) return 0;
  return Math.max(0, Math.round((gap.gapMs - first) / interval));
}

/** Learns from what a device announces about its next beat. */
export function announced(state: Float32Array, base: number, plan: Plan): void {
  const interval = state[base + INTERVAL] as number;
  state[base + UNFORESEEN] = (state[base + UNFORESEEN] as number) * (1 - FADE);
  if (interval === 0) state[base + INTERVAL] = plan.nextMs;
  else if (near(plan.nextMs, interval, CHANGE)) {
    state[base + INTERVAL] = interval + (plan.nextMs - interval) / 16;
    state[base + KEPT] = (state[base + KEPT] as number) + 1;
  } else change(state, base, plan.nextMs, plan.at, true);
}

/** Learns from an unannounced step. Returns false when the step was a change of interval, not a late beat. */
export function stepped(state: Float32Array, base: number, gap: Gap, missed: number): boolean {
  const interval = state[base + INTERVAL] as number;
  const each = gap.gapMs / (missed + 1);
  state[base + UNFORESEEN] = (state[base + UNFORESEEN] as number) * (1 - FADE);
  if (interval === 0) {
    state[base + INTERVAL] = gap.missed < 0 ? gap.gapMs : each;
    return false;
  }
  // Without numbers a steady multiple of the interval may be losses, or an interval of its own: repetition tells.
  const seen = gap.missed < 0 && missed > 0 ? gap.gapMs : each;
  if (near(seen, interval, CHANGE)) {
    // A step that stands alone, as a message out of turn makes two of them, moves nothing: the middle of three counts.
    if (missed === 0) {
      state[base + INTERVAL] =
        interval + (middle(interval, each, state[base + CANDIDATE] as number) - interval) / 16;
      state[base + CANDIDATE] = each;
    }
    state[base + REPEATS] = 0;
    state[base + KEPT] = (state[base + KEPT] as number) + 1;
    return true;
  }
  // A step that spans losses may be a blend of two intervals and counts for less.
  const weight = missed === 0 || gap.missed < 0 ? 1 : 0.4;
  const known = near(seen, state[base + OTHER] as number, 1.1);
  const repeats =
    weight + (near(seen, state[base + CANDIDATE] as number, 1.05) ? (state[base + REPEATS] as number) : 0);
  state[base + CANDIDATE] = seen;
  state[base + REPEATS] = repeats;
  const enough = known ? 0.8 : gap.missed < 0 && seen > interval ? REPEATS_UNNUMBERED : REPEATS_NUMBERED;
  if (repeats >= enough) {
    change(state, base, seen, gap.at, gap.missed >= 0 || (state[base + KEPT] as number) >= HABIT);
    state[base + REPEATS] = 0;
  }
  return false;
}

/** P(an unforeseen change to the slower interval) per step. */
export function slowingRisk(state: Float32Array, base: number): number {
  return (state[base + UNFORESEEN] as number) * FADE;
}

/** Time from the arrival to the `beats`-th expected beat, were the device to take its slower interval now. */
export function expectedSlowed(state: Float32Array, base: number, plan: Plan, beats: number): number {
  const step = Math.max(learnedInterval(state, base, plan), state[base + OTHER] as number);
  return plan.nextMs > 0 ? plan.nextMs + (beats - 1) * step : beats * step;
}

/** Time from the arrival to the `beats`-th expected beat, with the change to the slower interval that is habit. */
export function expectedAfter(state: Float32Array, base: number, plan: Plan, beats: number): number {
  const interval = learnedInterval(state, base, plan);
  const other = state[base + OTHER] as number;
  let after = plan.nextMs;
  let k = after > 0 ? 1 : 0;
  const slowed = state[base + SLOWED] as number;
  if (slowed === 0 || near(other, interval, CHANGE)) return after + (beats - k) * interval;
  const slow = Math.max(interval, other);
  const fast = Math.min(interval, other);
  const sped = state[base + SPED] as number;
  const wait = slack(fast);
  let step = interval;
  for (; k < beats && k < WALK_MAX; k++) {
    const now = plan.at + after;
    if (step === fast && Math.abs(signedDay(now - slowed + 1)) <= wait) step = slow;
    else if (step === slow && sped > 0 && k > 0 && timeOfDay(now - sped + 1 - wait) < slow) step = fast;
    after += step;
  }
  return after + (beats - k) * step;
}

/** A gap ended; changes of interval noticed next came at some instant within it. */
export function gapEnded(state: Float32Array, base: number, gap: Gap): void {
  state[base + SINCE] = gap.gapMs;
}

function change(state: Float32Array, base: number, to: number, at: number, habit: boolean): void {
  const from = state[base + INTERVAL] as number;
  if (habit) state[base + OTHER] = from;
  state[base + INTERVAL] = to;
  state[base + KEPT] = 0;
  if (!habit) return;
  if (to < from) {
    const sped = state[base + SPED] as number;
    const late = sped === 0 ? 0 : signedDay(at - sped + 1);
    // Expected late rather than early: it only ends the patience with a slow device.
    if (sped === 0 || Math.abs(late) > 2 * slack(to)) state[base + SPED] = sped === 0 ? timeOfDay(at) + 1 : 0;
    else state[base + SPED] = 1 + timeOfDay(sped - 1 + (late > 0 ? 0.5 : 0.1) * late);
    return;
  }
  const before = state[base + SLOWED] as number;
  const since = state[base + SINCE] as number;
  let off = before === 0 ? 0 : signedDay(at - before + 1);
  // Losses delay the notice; the earliest instant within the gap counts then.
  if (off > 0) off = Math.max(0, off - Math.max(0, since - from));
  if (before > 0 && Math.abs(off) <= slack(from)) {
    state[base + SLOWED] = 1 + timeOfDay(before - 1 + 0.3 * off);
    return;
  }
  if (before > 0) state[base + UNFORESEEN] = (state[base + UNFORESEEN] as number) + 1;
  state[base + SLOWED] = timeOfDay(at) + 1;
}

/** The span between two times of day, the shorter way round. */
const signedDay = (span: number): number => timeOfDay(span + DAY_MS / 2) - DAY_MS / 2;

/** How far from the habitual time of day a slow-down may come: it is seen only at the next beat. */
const slack = (interval: number): number => 1.5 * interval + 300_000;
const timeOfDay = (at: number): number => ((at % DAY_MS) + DAY_MS) % DAY_MS;
const middle = (a: number, b: number, c: number): number =>
  Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
const near = (a: number, b: number, factor: number): boolean => a <= b * factor && b <= a * factor;
