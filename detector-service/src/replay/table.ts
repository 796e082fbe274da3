/** A report as tables for people: one per class, detectors side by side. Whoever prints them lays them out. */
import { formatDuration } from '@slowbeat/device-sdk';
import type { TimeDistribution } from './log-histogram.ts';
import type { BestMultiple, BestTotal, ContenderReport, ReplayReport } from './report.ts';
import type { DetectionScore, Score } from './score.ts';
import type { TuneReport } from './tune.ts';

export interface TableColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
}

export interface Table {
  readonly title: string;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly string[])[];
}

const NOTHING = '–';

/** Of one class, or of all with a multiple each. */
type Best = BestTotal & Partial<BestMultiple>;

interface Field {
  readonly title: string;
  readonly cell: (score: Score) => string;
}

const ALARMS: readonly Field[] = [
  { title: 'false alarms', cell: ({ falseAlarms }) => String(falseAlarms) },
  { title: 'a device-year', cell: (score) => short(score.falseAlarmsPerDeviceYear) },
  { title: 'of budget (95 %)', cell: ratioCell },
];

/** Detection time if a death had come at any instant; read from the deadlines. */
const EXPECTED: readonly Field[] = [
  { title: 'E[T_D]', cell: ({ expected }) => timeCell(expected, 'mean') },
  { title: 'p50', cell: ({ expected }) => timeCell(expected, 'p50') },
  { title: 'p95', cell: ({ expected }) => timeCell(expected, 'p95') },
];

const ACCURACY: readonly Field[] = [
  {
    title: 'P_A',
    cell: ({ queryAccuracy }) => (queryAccuracy === undefined ? NOTHING : percent(queryAccuracy)),
  },
  { title: 'T_M', cell: ({ mistakeMs }) => duration(mistakeMs) },
  { title: 'T_MR', cell: ({ mistakeRecurrenceMs }) => duration(mistakeRecurrenceMs) },
];

/** Only where the truth tells deaths. */
const DEATHS: readonly Field[] = [
  { title: 'deaths', cell: ({ deaths }) => String(deaths) },
  { title: 'missed', cell: ({ missed }) => String(missed) },
  { title: 'undecided', cell: ({ undecided }) => String(undecided) },
  { title: 'T_D', cell: ({ detection }) => timeCell(detection, 'mean') },
  { title: 'T_D p50', cell: ({ detection }) => timeCell(detection, 'p50') },
  { title: 'T_D p95', cell: ({ detection }) => timeCell(detection, 'p95') },
];

/** One table per class, and one over all when there are several. */
export function replayTables(report: ReplayReport): Table[] {
  const names = Object.keys(report.contenders[0]?.classes ?? {});
  const tables = names.map((name) =>
    qosTable(`class ${name}`, report, ({ classes }) => classes[name], report.hindsight.classes[name]),
  );
  if (names.length > 1) {
    tables.push(qosTable('all classes', report, ({ total }) => total, report.hindsight.total));
  }
  return tables;
}

export function tuneTables({ classes }: TuneReport): Table[] {
  const fields = [...ALARMS, ...EXPECTED];
  return Object.entries(classes).map(([name, rows]) => ({
    title: `class ${name}: ${observed(rows[0]?.score)}`,
    columns: [right('budget'), ...fields.map(({ title }) => right(title)), left('')],
    rows: rows.map(({ budget, configured, score }) => [
      short(budget),
      ...fields.map(({ cell }) => cell(score)),
      configured ? '← now' : '',
    ]),
  }));
}

function qosTable(
  name: string,
  report: ReplayReport,
  scoreOf: (contender: ContenderReport) => Score | undefined,
  best: Best | undefined,
): Table {
  const scored = report.contenders.flatMap((contender) => {
    const score = scoreOf(contender);
    return score === undefined ? [] : [{ contender, score }];
  });
  const [first] = scored;
  const toBest: Field = { title: '÷ hindsight', cell: ({ expected }) => ratioTo(expected, best) };
  const deaths = scored.some(({ score }) => score.deaths > 0) ? DEATHS : [];
  const fields = [...ALARMS, ...EXPECTED, toBest, ...ACCURACY, ...deaths];
  const rows = scored.map(({ contender, score }) => [
    contender.name,
    ...fields.map(({ cell }) => cell(score)),
    ...(contender.outages > 0 ? [short(contender.outageAlarms / contender.outages)] : []),
  ]);
  const titles = fields.map(({ title }) => title);
  // Outages are not of one class: every table shows the same.
  if ((first?.contender.outages ?? 0) > 0) titles.push('alarms an outage');
  return {
    title: titleOf(name, first?.score),
    columns: [left('detector'), ...titles.map(right)],
    rows: best && first ? [...rows, hindsightRow(best, first.score, titles.length)] : rows,
  };
}

/** The best fixed multiple stands below, as the bar to be measured by. */
function hindsightRow(best: Best, { deviceYears, budget }: Score, columns: number): string[] {
  const { multiple, falseAlarms, detectionMs, detectionIntervals } = best;
  const name =
    multiple === undefined ? 'hindsight, class by class' : `hindsight: ${short(multiple)} × expected`;
  const cells = [
    String(falseAlarms),
    short(falseAlarms / deviceYears),
    short(falseAlarms / budget),
    `${short(detectionIntervals)} (${duration(detectionMs)})`,
    NOTHING,
    NOTHING,
    '1',
  ];
  return [name, ...Array.from({ length: columns }, (_, index) => cells[index] ?? NOTHING)];
}

const left = (title: string): TableColumn => ({ title, align: 'left' });
const right = (title: string): TableColumn => ({ title, align: 'right' });

function titleOf(name: string, score: Score | undefined): string {
  return `${name}: ${observed(score)}, ${short(score?.budget ?? 0)} false alarms in the budget`;
}

function observed(score: Score | undefined): string {
  const { devices = 0, deviceYears = 0 } = score ?? {};
  return `${short(deviceYears)} device-years of ${devices} device${devices === 1 ? '' : 's'}`;
}

function ratioCell({ ratio, ratioInterval: [low, high] }: Score): string {
  return Number.isFinite(ratio) ? `${short(ratio)} (${short(low)}–${short(high)})` : NOTHING;
}

function timeCell(score: DetectionScore | undefined, which: keyof TimeDistribution): string {
  if (score === undefined) return NOTHING;
  return `${short(score.intervals[which])} (${duration(score.ms[which])})`;
}

function ratioTo(expected: DetectionScore | undefined, best: { detectionMs: number } | undefined): string {
  return expected && best ? short(expected.ms.mean / best.detectionMs) : NOTHING;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0.99 ? 3 : 1)} %`;
}

/** Three significant digits, without an exponent. */
function short(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

/** From this many milliseconds on, that unit is fine enough. */
const ROUNDING = [
  [48 * 3_600_000, 3_600_000],
  [600_000, 60_000],
  [10_000, 1000],
  [0, 1],
] as const;

function duration(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return NOTHING;
  const [, unitMs] = ROUNDING.find(([fromMs]) => ms >= fromMs) ?? [0, 1];
  return formatDuration(Math.round(ms / unitMs) * unitMs);
}
