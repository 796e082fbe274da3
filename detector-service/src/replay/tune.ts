/** What each class would have had at other false-alarm budgets: all of them in one pass over the trace. */
import { type Classes, type Contender, withAlgorithm } from './contender.ts';
import { replay, type TraceReplay } from './replay.ts';
import type { ReplayReport } from './report.ts';
import type { Score } from './score.ts';

/** Budgets worth a look, in false alarms per device and year: from one in ten years to one a day. */
export const BUDGETS: readonly number[] = [0.1, 0.5, 1, 2, 5, 12, 52, 365];

export interface TuneRow {
  /** False alarms per device and year. */
  readonly budget: number;
  /** True for the budget that the class has now. */
  readonly configured: boolean;
  readonly score: Score;
}

export interface TuneReport extends Pick<ReplayReport, 'events' | 'devices' | 'span' | 'judgedBy'> {
  /** Ascending by budget; only classes that the trace speaks of. */
  readonly classes: Readonly<Record<string, readonly TuneRow[]>>;
}

export interface TuneOptions extends Pick<TraceReplay, 'trace' | 'truth' | 'classes'> {
  readonly budgets?: readonly number[] | undefined;
}

export async function tune({ trace, truth, classes, budgets = BUDGETS }: TuneOptions): Promise<TuneReport> {
  const configured = Object.values(classes).map((knobs) => knobs.falseAlarmsPerDeviceYear);
  const ladder = [...new Set([...budgets, ...configured])].sort((a, b) => a - b);
  const contenders = ladder.map((budget) => atBudget(classes, budget));
  const report = await replay({ trace, truth, classes, contenders });
  const rows = Object.entries(classes).map(([name, { falseAlarmsPerDeviceYear }]) => {
    const ofClass = report.contenders.flatMap((contender, index): TuneRow[] => {
      const budget = ladder[index] as number;
      const score = contender.classes[name];
      return score === undefined ? [] : [{ budget, configured: budget === falseAlarmsPerDeviceYear, score }];
    });
    return [name, ofClass] as const;
  });
  const { events, devices, span, judgedBy } = report;
  return {
    events,
    devices,
    span,
    judgedBy,
    classes: Object.fromEntries(rows.filter(([, all]) => all.length > 0)),
  };
}

/** Only the adaptive algorithm has a use for a budget. */
function atBudget(classes: Classes, budget: number): Contender {
  const adaptive = withAlgorithm(classes, 'adaptive').classes;
  const changed = Object.entries(adaptive).map(([name, knobs]) => [
    name,
    { ...knobs, falseAlarmsPerDeviceYear: budget },
  ]);
  return { name: String(budget), classes: Object.fromEntries(changed) };
}
