/** What a run found, as plain data: the tables' rows, the picture's points, and the JSON. */
import { type Estimate, estimate, mean, sum } from './bootstrap.ts';
import type { Run } from './command-line.ts';
import type { CoreOutcome } from './core-outcome.ts';
import type { Job, Outcome } from './job.ts';
import { linkFamilies } from './link-families.ts';
import type { LinkOutcome, Measured } from './link-outcome.ts';
import type { CurvePoint } from './score.ts';

export interface DetectorResult extends CurvePoint {
  readonly name: string;
  /** How many fleets it ran on. */
  readonly fleets: number;
  readonly p50: number;
  readonly p95: number;
}

export interface LinkResult {
  readonly family: string;
  readonly group: string;
  /** False alarms per device and year. */
  readonly budget: number;
  readonly deviceYears: number;
  readonly mistakes: number;
  readonly allowed: number;
  /** Achieved over budgeted false alarms. */
  readonly ofBudget: Estimate;
  /** The same for the first thirty gaps of each device. */
  readonly first: { readonly mistakes: number; readonly allowed: number; readonly ofBudget: Estimate };
  /** E[T_D] over the oracle's and the best fixed multiple's. */
  readonly toOracle: Estimate;
  readonly toFixedSame: Estimate;
  readonly toFixedBudget: Estimate;
  /** The adaptive one first. */
  readonly detectors: readonly DetectorResult[];
  readonly oracle: readonly CurvePoint[];
  readonly multiples: readonly CurvePoint[];
}

/** All counts are sums over the fleets. */
export interface CoreResult
  extends Omit<CoreOutcome, 'aside' | 'amid'>,
    Readonly<Record<'aside' | 'amid', Quantiles>> {
  readonly family: string;
  readonly ofBudget: Estimate;
}

/** Of detection times, in intervals; zero where there are none. */
export interface Quantiles {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
}

export interface Results {
  readonly command: string;
  readonly seeds: number;
  readonly firstSeed: number;
  readonly scale: number;
  readonly baselineSeeds: number;
  readonly links: readonly LinkResult[];
  readonly core: readonly CoreResult[];
}

export function resultsOf(run: Run, jobs: readonly Job[], outcomes: readonly Outcome[]): Results {
  const { seeds, firstSeed, scale, baselineSeeds } = run;
  const links: LinkResult[] = [];
  const core: CoreResult[] = [];
  for (const family of run.families) {
    const own = outcomes.filter((_, index) => jobs[index]?.family === family);
    const played = own.flatMap((outcome) => ('links' in outcome ? [outcome.links] : []));
    if (played.length > 0) links.push(linkResult(family, played));
    const judged = own.flatMap((outcome) => ('core' in outcome ? [outcome.core] : []));
    if (judged.length > 0) core.push(coreResult(family, judged));
  }
  return { command: run.command, seeds, firstSeed, scale, baselineSeeds, links, core };
}

function linkResult(family: string, outcomes: readonly LinkOutcome[]): LinkResult {
  const total = (value: (one: LinkOutcome) => number) => sum(outcomes.map(value));
  const over = (value: (one: LinkOutcome) => number) => estimate(outcomes, (drawn) => mean(drawn.map(value)));
  const deviceYears = total((one) => one.deviceYears);
  const allowed = total((one) => one.allowed);
  return {
    family,
    group: linkFamilies[family]?.group ?? '',
    budget: allowed / deviceYears,
    deviceYears,
    mistakes: total(({ adaptive }) => adaptive.mistakes),
    allowed,
    ofBudget: ratio(
      outcomes,
      ({ adaptive }) => adaptive.mistakes,
      (one) => one.allowed,
    ),
    first: {
      mistakes: total(({ first }) => first.mistakes),
      allowed: total(({ first }) => first.allowed),
      ofBudget: ratio(
        outcomes,
        ({ first }) => first.mistakes,
        ({ first }) => first.allowed,
      ),
    },
    toOracle: over((one) => one.toOracle),
    toFixedSame: over((one) => one.toFixedSame),
    toFixedBudget: over((one) => one.toFixedBudget),
    detectors: detectorResults(outcomes),
    oracle: meanCurve(outcomes.map(({ oracle }) => oracle)),
    multiples: meanCurve(outcomes.map(({ multiples }) => multiples)),
  };
}

function ratio<T>(outcomes: readonly T[], of: (one: T) => number, to: (one: T) => number): Estimate {
  return estimate(outcomes, (drawn) => sum(drawn.map(of)) / sum(drawn.map(to)));
}

function detectorResults(outcomes: readonly LinkOutcome[]): DetectorResult[] {
  const byName = new Map<string, Measured[]>();
  for (const { adaptive, baselines } of outcomes) {
    for (const one of [adaptive, ...baselines]) byName.set(one.name, [...(byName.get(one.name) ?? []), one]);
  }
  return [...byName].map(([name, all]) => ({
    name,
    fleets: all.length,
    perYear: mean(all.map(({ perYear }) => perYear)),
    detection: mean(all.map(({ detection }) => detection)),
    p50: mean(all.map(({ p50 }) => p50)),
    p95: mean(all.map(({ p95 }) => p95)),
  }));
}

/** All curves have the same points: thresholds, or multiples. */
function meanCurve(curves: readonly (readonly CurvePoint[])[]): CurvePoint[] {
  return (curves[0] ?? []).map((_, at) => ({
    perYear: mean(curves.map((curve) => curve[at]?.perYear ?? Number.NaN)),
    detection: mean(curves.map((curve) => curve[at]?.detection ?? Number.NaN)),
  }));
}

const COUNTS = [
  'deviceYears',
  'falseAlarms',
  'allowed',
  'outages',
  'unnoticed',
  'oneIncident',
  'moreIncidents',
  'alarms',
  'membersCalledDead',
  'blindTimes',
  'blindDeaths',
  'innocents',
  'deaths',
  'missed',
] as const;

function coreResult(family: string, outcomes: readonly CoreOutcome[]): CoreResult {
  const counts = Object.fromEntries(
    COUNTS.map((name) => [name, sum(outcomes.map((outcome) => outcome[name]))]),
  ) as Record<(typeof COUNTS)[number], number>;
  return {
    family,
    ...counts,
    ofBudget: ratio(
      outcomes,
      (one) => one.falseAlarms,
      (one) => one.allowed,
    ),
    aside: quantiles(outcomes.flatMap(({ aside }) => aside)),
    amid: quantiles(outcomes.flatMap(({ amid }) => amid)),
  };
}

function quantiles(values: readonly number[]): Quantiles {
  const ascending = [...values].sort((a, b) => a - b);
  const at = (share: number): number => ascending[Math.floor(share * (ascending.length - 1))] ?? 0;
  return {
    count: ascending.length,
    mean: ascending.length > 0 ? mean(ascending) : 0,
    p50: at(0.5),
    p95: at(0.95),
  };
}
