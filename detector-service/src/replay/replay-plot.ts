/** A report as a plot: every detector a point, the adaptive one a curve over budgets, fixed multiples another. */
import { type Contender, withBudget } from './contender.ts';
import type { Plot, PlotSeries } from './plot.ts';
import type { BestTotal, ContenderReport, CurvePoint, ReplayReport } from './report.ts';
import type { Score } from './score.ts';

/** Multiples of the configured budget at which the adaptive detector is run for its curve. */
const BUDGET_FACTORS = [1 / 16, 1 / 4, 1 / 2, 1, 2, 4, 16, 64] as const;

/** The same detector at budgets around its own: what a curve needs. */
export function budgetSweep(contender: Contender): Contender[] {
  return BUDGET_FACTORS.map((factor) => withBudget(contender, factor));
}

/** @param sweep the reports of {@link budgetSweep}'s detectors, in its order */
export function replayPlot(report: ReplayReport, title: string, sweep: readonly ContenderReport[]): Plot {
  const points = report.contenders
    .filter(({ name }) => sweep.length === 0 || name !== 'adaptive')
    .map(({ name, total }): PlotSeries => ({ name, points: pointOf(total), style: 'mark' }));
  const curve: PlotSeries = {
    name: 'adaptive, by budget',
    points: sweep.flatMap(({ total }) => pointOf(total)),
    style: 'line-and-mark',
  };
  const hindsight: PlotSeries = {
    name: 'fixed multiples',
    points: report.hindsight.curve,
    style: 'line',
  };
  const best = report.hindsight.total;
  const { budget = 0, deviceYears = 0 } = report.contenders[0]?.total ?? {};
  return {
    title,
    series: [
      ...(sweep.length > 0 ? [curve] : []),
      ...points,
      hindsight,
      ...(best ? [bestOf(best, deviceYears)] : []),
    ],
    budget: deviceYears > 0 ? budget / deviceYears : undefined,
  };
}

/** Where several classes have a multiple each, this lies below the curve of one multiple for all. */
function bestOf({ falseAlarms, detectionIntervals }: BestTotal, deviceYears: number): PlotSeries {
  const point = { falseAlarmsPerDeviceYear: falseAlarms / deviceYears, detectionIntervals };
  return { name: 'best multiple, in hindsight', points: [point], style: 'mark' };
}

function pointOf({ falseAlarmsPerDeviceYear, expected }: Score): CurvePoint[] {
  return expected === undefined
    ? []
    : [{ falseAlarmsPerDeviceYear, detectionIntervals: expected.intervals.mean }];
}
