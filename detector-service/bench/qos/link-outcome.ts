/** Plays one drawn fleet against the models alone: what its links and rhythms do to deadlines. */
import { ALGORITHMS, type Gap } from '@slowbeat/detector-service/detector';
import { FixedMultiples } from './fixed-multiples.ts';
import { Oracle } from './oracle.ts';
import { Player } from './player.ts';
import { type CurvePoint, YEAR_MS } from './score.ts';
import { type Device, type Family, play } from './world.ts';

/** One detector on one fleet. */
export interface Measured extends CurvePoint {
  readonly name: string;
  readonly mistakes: number;
  /** Quantiles of the detection time of a death at a random instant, in intervals. */
  readonly p50: number;
  readonly p95: number;
}

export interface LinkOutcome {
  readonly deviceYears: number;
  /** Mistakes that the budget allows for that time. */
  readonly allowed: number;
  readonly adaptive: Measured;
  /** Its first gaps after each device's first beat. */
  readonly first: { readonly mistakes: number; readonly allowed: number };
  /** E[T_D] over the oracle's at the achieved rate. */
  readonly toOracle: number;
  /** E[T_D] over that of the best fixed multiple at the achieved and at the budgeted rate. */
  readonly toFixedSame: number;
  readonly toFixedBudget: number;
  /** Empty where only the adaptive model ran. */
  readonly baselines: readonly Measured[];
  readonly oracle: readonly CurvePoint[];
  readonly multiples: readonly CurvePoint[];
}

/** @param compares whether the baselines run too */
export function playLinks(family: Family, seed: number, compares: boolean): LinkOutcome {
  const adaptive = new Player(family, 'adaptive');
  const others = compares ? ALGORITHMS.filter((name) => name !== 'adaptive') : [];
  const players = [adaptive, ...others.map((name) => new Player(family, name))];
  const oracle = new Oracle(family);
  const multiples = new FixedMultiples();
  meet(family, seed, players, oracle, multiples);

  const { score, first } = adaptive;
  const budget = family.falseAlarmsPerDeviceYear;
  const allowed = (budget * score.aliveMs) / YEAR_MS;
  return {
    deviceYears: score.aliveMs / YEAR_MS,
    allowed,
    adaptive: measured(adaptive),
    first: { mistakes: first.mistakes, allowed: (budget * first.aliveMs) / YEAR_MS },
    toOracle: score.detection / oracle.detectionAt(score.mistakesPerYear),
    toFixedSame: score.detection / multiples.best(score.mistakes).detection,
    toFixedBudget: score.detection / multiples.best(allowed).detection,
    baselines: players.slice(1).map(measured),
    oracle: oracle.curve(),
    multiples: multiples.curve(),
  };
}

function measured({ name, score }: Player): Measured {
  const { p50 = 0, p95 = 0 } = score.times.distribution() ?? {};
  const { mistakes, mistakesPerYear, detection } = score;
  return { name, mistakes, perYear: mistakesPerYear, detection, p50, p95 };
}

/** Lets all players hear the same arrivals. */
function meet(
  family: Family,
  seed: number,
  players: readonly Player[],
  oracle: Oracle,
  multiples: FixedMultiples,
): void {
  const lastAt = new Float64Array(family.devices.length).fill(Number.NaN);
  const announcedMs = new Float64Array(family.devices.length);
  const gap: Gap = { at: 0, nextMs: 0, intervalMs: family.intervalMs, gapMs: 0, missed: 0, mistake: false };
  play(family, seed, ({ device: index, at, missed, nextMs }) => {
    const device = family.devices[index] as Device;
    const { announces, judged } = device;
    const from = lastAt[index] as number;
    if (Number.isNaN(from)) for (const player of players) player.begin(index);
    else {
      const intervalMs = device.intervalAt(from);
      gap.at = from;
      gap.gapMs = at - from;
      gap.nextMs = announces ? (announcedMs[index] as number) : 0;
      gap.missed = device.numbersBeats ? missed : -1;
      if (judged) {
        oracle.gap(index, from, announcedMs[index] as number, gap.gapMs, intervalMs);
        // Who chooses one multiple for all can only take it of what devices say, or else of the class's interval.
        multiples.gap(gap.gapMs, announces ? intervalMs : family.intervalMs, intervalMs);
      }
      for (const player of players) player.gap(index, gap, intervalMs, judged);
    }
    lastAt[index] = at;
    announcedMs[index] = nextMs;
    gap.at = at;
    gap.nextMs = announces ? nextMs : 0;
    for (const player of players) player.expect(index, gap);
  });
}
