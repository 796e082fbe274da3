/**
 * A detector's quality of service in the measures of Chen, Toueg and Aguilera, _On the Quality of Service of Failure
 * Detectors_ (IEEE Transactions on Computers 51, 2002), per class and over all.
 */
import { LogHistogram, type TimeDistribution } from './log-histogram.ts';
import { poissonInterval } from './poisson.ts';
import type { Tally } from './tally.ts';

export const YEAR_MS = 365.25 * 86_400_000;

/** Detection times, as time and as multiples of the class's interval. */
export interface DetectionScore {
  readonly ms: TimeDistribution;
  readonly intervals: TimeDistribution;
}

export interface Score {
  readonly devices: number;
  /** Time in which live devices were observed; blind time and announced absences are left out. */
  readonly deviceYears: number;
  readonly falseAlarms: number;
  /** False alarms that the budget allows for that time. */
  readonly budget: number;
  /** Achieved over budget, with the 95 % interval that chance gives so small a count. */
  readonly ratio: number;
  readonly ratioInterval: readonly [low: number, high: number];
  /** λ_M: mistakes per device and year. */
  readonly falseAlarmsPerDeviceYear: number;
  /** Had a death come at a uniformly random instant: how soon it would have been noticed. Needs no deaths. */
  readonly expected?: DetectionScore | undefined;
  /** Deaths by the truth; `undecided` ones were unnoticed when the trace ended. */
  readonly deaths: number;
  readonly detected: number;
  readonly missed: number;
  readonly undecided: number;
  /** T_D of the detected deaths. */
  readonly detection?: DetectionScore | undefined;
  /** P_A: share of the time in which the verdict was right. */
  readonly queryAccuracy?: number | undefined;
  /** T_M: mean time a mistake lasted. */
  readonly mistakeMs?: number | undefined;
  /** T_MR: mean device-time from one mistake to the next. */
  readonly mistakeRecurrenceMs?: number | undefined;
  /** Called dead and never heard again, where no truth says which they were. */
  readonly unresolved: number;
}

export interface ClassTally {
  readonly tally: Tally;
  readonly intervalMs: number;
  readonly falseAlarmsPerDeviceYear: number;
}

/** The score of one class, or of several together. */
export function scoreOf(classes: readonly ClassTally[]): Score {
  const sum = (value: (tally: Tally) => number) =>
    classes.reduce((total, { tally }) => total + value(tally), 0);
  const falseAlarms = sum((tally) => tally.falseAlarms);
  const observedMs = sum((tally) => tally.observedMs);
  const judgedMs = sum((tally) => tally.judgedMs);
  const [deaths, detected, missed] = [
    sum((tally) => tally.deaths),
    sum((tally) => tally.detection.total),
    sum((tally) => tally.missed),
  ];
  const budget = classes.reduce(
    (total, { tally, falseAlarmsPerDeviceYear }) =>
      total + (tally.observedMs / YEAR_MS) * falseAlarmsPerDeviceYear,
    0,
  );
  const [low, high] = poissonInterval(falseAlarms);
  return {
    devices: sum((tally) => tally.devices),
    deviceYears: observedMs / YEAR_MS,
    falseAlarms,
    budget,
    ratio: falseAlarms / budget,
    ratioInterval: [low / budget, high / budget],
    falseAlarmsPerDeviceYear: (falseAlarms / observedMs) * YEAR_MS,
    expected: detectionScore(classes, ({ silences }) => silences),
    deaths,
    detected,
    missed,
    undecided: deaths - detected - missed,
    detection: detectionScore(classes, ({ detection }) => detection),
    queryAccuracy: judgedMs > 0 ? 1 - sum((tally) => tally.wrongMs) / judgedMs : undefined,
    mistakeMs: falseAlarms > 0 ? sum((tally) => tally.mistakeMs) / falseAlarms : undefined,
    mistakeRecurrenceMs: falseAlarms > 0 ? observedMs / falseAlarms : undefined,
    unresolved: sum((tally) => tally.unresolved),
  };
}

/** Least multiple of an interval that is told from zero. */
const INTERVALS_LEAST = 1e-6;

function detectionScore(
  classes: readonly ClassTally[],
  timesOf: (tally: Tally) => LogHistogram,
): DetectionScore | undefined {
  const times = new LogHistogram();
  const multiples = new LogHistogram(INTERVALS_LEAST);
  for (const { tally, intervalMs } of classes) {
    times.addScaled(timesOf(tally), 1);
    multiples.addScaled(timesOf(tally), 1 / intervalMs);
  }
  const ms = times.distribution();
  const intervals = multiples.distribution();
  return ms && intervals && { ms, intervals };
}
