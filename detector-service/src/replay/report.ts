/** What a replay found, as plain data: the table's rows, the plot's points, and the JSON. */
import type { Classes } from './contender.ts';
import { type FixedMultiple, Hindsight } from './hindsight.ts';
import type { Lane } from './lane.ts';
import { type Score, scoreOf, YEAR_MS } from './score.ts';

export interface ContenderReport {
  readonly name: string;
  readonly total: Score;
  readonly classes: Readonly<Record<string, Score>>;
  /** Outages of whole groups by the truth, and alarms while they lasted: one each is the best there is. */
  readonly outages: number;
  readonly outageAlarms: number;
}

/** The best fixed multiple of the expected silence, chosen afterwards for this trace at this budget. */
export interface BestMultiple extends FixedMultiple {
  readonly detectionIntervals: number;
}

/** Each class with its own best multiple. */
export type BestTotal = Omit<BestMultiple, 'multiple'>;

export interface HindsightReport {
  readonly classes: Readonly<Record<string, BestMultiple>>;
  readonly total?: BestTotal | undefined;
  /** One multiple for all classes against what it would have done. */
  readonly curve: readonly CurvePoint[];
}

/** Detection time bought with false alarms. */
export interface CurvePoint {
  readonly falseAlarmsPerDeviceYear: number;
  readonly detectionIntervals: number;
}

export interface ReplayReport {
  readonly events: number;
  /** Those that gave a sign of life. */
  readonly devices: number;
  /** First and last instant of the trace. */
  readonly span?: readonly [from: number, to: number] | undefined;
  /** What makes a death a mistake: `truth`, or that the device was heard again. */
  readonly judgedBy: 'truth' | 'heard-again';
  readonly contenders: readonly ContenderReport[];
  readonly hindsight: HindsightReport;
}

export interface Findings {
  readonly classes: Classes;
  readonly hasTruth: boolean;
  readonly lanes: readonly Lane[];
  readonly hindsight: ReadonlyMap<string, Hindsight>;
  readonly events: number;
  readonly span: readonly [number, number] | undefined;
}

export function reportOf({ classes, hasTruth, lanes, hindsight, events, span }: Findings): ReplayReport {
  const contenders = lanes.map(contenderReport);
  return {
    events,
    devices: contenders[0]?.total.devices ?? 0,
    span,
    judgedBy: hasTruth ? 'truth' : 'heard-again',
    contenders,
    hindsight: hindsightReport(classes, hindsight),
  };
}

function contenderReport({ contender, ledger, outages }: Lane): ContenderReport {
  const tallies = [...ledger.tallies]
    .filter(([, tally]) => tally.devices > 0)
    .map(([name, tally]) => {
      const { intervalMs, falseAlarmsPerDeviceYear } = contender.classes[name] as Classes[string];
      return [name, { tally, intervalMs, falseAlarmsPerDeviceYear }] as const;
    });
  return {
    name: contender.name,
    total: scoreOf(tallies.map(([, tally]) => tally)),
    classes: Object.fromEntries(tallies.map(([name, tally]) => [name, scoreOf([tally])])),
    outages: outages.outages,
    outageAlarms: outages.alarms,
  };
}

function hindsightReport(classes: Classes, hindsight: ReadonlyMap<string, Hindsight>): HindsightReport {
  const best: Record<string, BestMultiple> = {};
  const all = new Hindsight();
  const total = { falseAlarms: 0, detectionMs: 0, detectionIntervals: 0 };
  const observedMs = [...hindsight.values()].reduce((sum, one) => sum + one.observedMs, 0);
  for (const [name, silences] of hindsight) {
    const { intervalMs, falseAlarmsPerDeviceYear } = classes[name] as Classes[string];
    const chosen = silences.best((falseAlarmsPerDeviceYear * silences.observedMs) / YEAR_MS);
    if (chosen === undefined) continue;
    const detectionIntervals = chosen.detectionMs / intervalMs;
    best[name] = { ...chosen, detectionIntervals };
    const share = silences.observedMs / observedMs;
    total.falseAlarms += chosen.falseAlarms;
    total.detectionMs += share * chosen.detectionMs;
    total.detectionIntervals += share * detectionIntervals;
    all.addScaled(silences, 1 / intervalMs);
  }
  const curve = all.curve().map(({ falseAlarms, detectionMs }) => ({
    falseAlarmsPerDeviceYear: (falseAlarms / observedMs) * YEAR_MS,
    detectionIntervals: detectionMs,
  }));
  return { classes: best, total: observedMs > 0 ? total : undefined, curve };
}
