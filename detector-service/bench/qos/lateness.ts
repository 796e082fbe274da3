import { type Delay, normalSurvival } from './delay.ts';
import { random } from './random.ts';

/** P(lateness > x) of a beat with `missed` lost ones between it and the latest arrival. */
export type Lateness = (missed: number, x: number) => number;

/** Points at which the jitter of the steps in between is averaged. */
const POINTS = Array.from({ length: 16 }, (_, i) => (i + 0.5) / 8 - 1);
/** Quantiles of a bell of the same spread as so many uniform steps, for several of them. */
const BELL = POINTS.map((u) => Math.tan(u * 1.2) * 0.55);

/** What makes a device's schedule unsteady. */
export interface Unsteadiness {
  /** A planned beat is drawn from so much on either side. Milliseconds. */
  readonly spreadMs: number;
  /** Standard deviation of a step of the device's clock, and how likely there is one before a beat. */
  readonly stepMs: number;
  readonly stepChance: number;
}

const known = new WeakMap<Delay, Map<string, Lateness>>();

/**
 * Later beats than the announced one are also unsteady by the jitter of every step in between. Tabulated once for all
 * devices that share delay and unsteadiness.
 */
export function lateAfter(delay: Delay, unsteady: Unsteadiness): Lateness {
  const tabulatedOf = known.get(delay) ?? new Map<string, Lateness>();
  known.set(delay, tabulatedOf);
  const key = JSON.stringify(unsteady);
  let lateness = tabulatedOf.get(key);
  if (lateness === undefined) {
    lateness = tabulated(delay, unsteady);
    tabulatedOf.set(key, lateness);
  }
  return lateness;
}

function tabulated(delay: Delay, { spreadMs, stepMs, stepChance }: Unsteadiness): Lateness {
  const delayed = table(latenessOf(delay));
  const byMissed: ((x: number) => number)[] = [];
  return (missed, x) => {
    let one = byMissed[missed];
    if (one === undefined) {
      const inTime = (at: number) =>
        missed === 0 || spreadMs === 0 ? delayed(at) : jittered(delayed, missed, spreadMs, at);
      const stepped = 1 - (1 - stepChance) ** (missed + 1);
      one = table((at) =>
        stepped === 0 ? inTime(at) : (1 - stepped) * inTime(at) + stepped * normalSurvival(at / stepMs),
      );
      byMissed[missed] = one;
    }
    return one(x);
  };
}

function jittered(late: (x: number) => number, missed: number, spreadMs: number, x: number): number {
  const shape = missed === 1 ? POINTS : BELL;
  const scale = missed === 1 ? spreadMs : spreadMs * Math.sqrt(missed);
  let sum = 0;
  for (const point of shape) {
    const rest = x - point * scale;
    sum += rest < 0 ? 1 : late(rest);
  }
  return sum / shape.length;
}

/** Survival of the lateness of the announced beat: its delay less that of the beat before it. */
function latenessOf(delay: Delay): (x: number) => number {
  const dice = random(1);
  const before = Array.from({ length: 200 }, () => delay.draw(dice));
  return (x) => before.reduce((sum, d) => sum + delay.survival(x + d), 0) / before.length;
}

const STEPS_PER_OCTAVE = 8;
const OCTAVES = 36;

/** The survival function's logarithm over that of time, from a millisecond on, with lines in between. */
function table(survival: (x: number) => number): (x: number) => number {
  const logs = Float64Array.from({ length: OCTAVES * STEPS_PER_OCTAVE }, (_, i) =>
    Math.log(Math.max(1e-300, survival(2 ** (i / STEPS_PER_OCTAVE)))),
  );
  return (x) => {
    const position = Math.min(logs.length - 2, Math.max(0, Math.log2(Math.max(1, x)) * STEPS_PER_OCTAVE));
    const i = Math.floor(position);
    const a = logs[i] as number;
    return Math.exp(a + (position - i) * ((logs[i + 1] as number) - a));
  };
}
