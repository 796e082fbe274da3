/** The end of a round: what was measured, beside what was true. */
import { uptime } from '@slowbeat/detector-service/uptime';
import {
  compareUptime,
  type Death,
  deviceKey,
  type Evaluation,
  evaluate,
  type Score,
  score,
  type UptimeComparison,
} from '@slowbeat/firmware-sim';
import { span } from '../span.ts';
import { textTable } from '../text-table.ts';
import type { Chronicle } from './chronicle.ts';

type Source = Parameters<typeof uptime>[0]['source'];

export interface RoundReport {
  readonly lines: readonly string[];
  /** Largest time by which a measured row is not what the verdicts add up to; 0 when every sum is right. */
  readonly unexplainedMs: number;
}

const DEVICES_SHOWN = 15;

/** Compares over [from, to], both epoch milliseconds; the devices must still be running. */
export async function roundReport(
  { truth, transitions }: Chronicle,
  source: Source,
  from: number,
  to: number,
): Promise<RoundReport> {
  const { rows } = await uptime({ source, from, to });
  const window = { from, to };
  const comparisons = compareUptime(truth, transitions, rows, window);
  const evaluation = evaluate(truth, transitions, window);
  const unexplained = comparisons.map(({ unexplainedUpMs, unexplainedDownMs }) =>
    Math.max(Math.abs(unexplainedUpMs), Math.abs(unexplainedDownMs)),
  );
  const unexplainedMs = Math.max(0, ...unexplained);
  return {
    unexplainedMs,
    lines: [
      `Uptime over ${span(to - from)}: measured from the journal, beside the simulator's truth`,
      '',
      ...classTable(comparisons, evaluation),
      '',
      ...deviceTable(comparisons, evaluation),
      '',
      'A death counts from the deadline on, so measured uptime is above the truth by the detection time.',
      `Beyond that, what was measured differs from what was told by ${span(unexplainedMs)} at most.`,
    ],
  };
}

const right = (title: string) => ({ title, align: 'right' }) as const;

function classTable(comparisons: readonly UptimeComparison[], evaluation: Evaluation): string[] {
  const scores = new Map(score(evaluation).map((one) => [one.deviceClass, one]));
  const classes = [...new Set(comparisons.map(({ deviceClass }) => deviceClass))].sort();
  const line = (name: string, rows: readonly UptimeComparison[], own: Score | undefined): string[] => [
    name,
    String(rows.length),
    percent(sum(rows, 'trueUpMs'), sum(rows, 'trueDownMs')),
    percent(sum(rows, 'measuredUpMs'), sum(rows, 'measuredDownMs')),
    own === undefined ? '0' : `${own.detected} of ${own.deaths - own.unnoticed}`,
    own?.detectionMs === undefined ? '-' : `${span(own.detectionMs.p50)} / ${span(own.detectionMs.max)}`,
    own?.recoveryMs === undefined ? '-' : span(own.recoveryMs.p50),
    falseDeaths(own),
  ];
  const rows = classes.map((name) =>
    line(
      name,
      comparisons.filter(({ deviceClass }) => deviceClass === name),
      scores.get(name),
    ),
  );
  return textTable(
    [
      { title: 'class' },
      right('devices'),
      right('true uptime'),
      right('measured'),
      right('found'),
      right('after p50/max'),
      right('back after'),
      right('false'),
    ],
    [...rows, line('total', comparisons, scores.get(undefined))],
  );
}

/** Alarms about devices that could speak; beside them those about devices that were cut off, which nobody can tell. */
function falseDeaths(own: Score | undefined): string {
  const cutOff = own?.falseDeathsWithoutLink ?? 0;
  return `${own?.falseDeaths ?? 0}${cutOff > 0 ? ` (+${cutOff} cut off)` : ''}`;
}

/** Devices that were really gone, or that were called so. */
function deviceTable(
  comparisons: readonly UptimeComparison[],
  { deaths, falseDeaths }: Evaluation,
): string[] {
  const faulty = comparisons.filter(({ trueDownMs, measuredDownMs }) => trueDownMs > 0 || measuredDownMs > 0);
  const rows = faulty.slice(0, DEVICES_SHOWN).map((row) => {
    const isOwn = (one: { deviceClass: string; device: string }): boolean =>
      deviceKey(one.deviceClass, one.device) === deviceKey(row.deviceClass, row.device);
    const own = deaths.filter(isOwn);
    const called = falseDeaths.filter(isOwn).map(({ linkDown }) => (linkDown ? 'link lost' : 'false alarm'));
    return [
      `${row.deviceClass}/${row.device}`,
      [...own.map(({ cause }) => cause), ...called].join(', ') || '-',
      percent(row.trueUpMs, row.trueDownMs),
      percent(row.measuredUpMs, row.measuredDownMs),
      span(row.trueDownMs),
      span(row.measuredDownMs),
      own.map(detection).join(', ') || '-',
    ];
  });
  const table = textTable(
    [
      { title: 'device' },
      { title: 'what happened' },
      right('true uptime'),
      right('measured'),
      right('true down'),
      right('measured'),
      { title: 'found' },
    ],
    rows,
  );
  const hidden = faulty.length - rows.length;
  return hidden > 0 ? [...table, `… and ${hidden} more devices`] : table;
}

function detection({ outcome, detectionMs }: Death): string {
  if (outcome === 'detected') return `after ${span(detectionMs ?? 0)}`;
  return outcome === 'unnoticed' ? 'soon back' : 'not yet';
}

function sum(
  rows: readonly UptimeComparison[],
  key: 'trueUpMs' | 'trueDownMs' | 'measuredUpMs' | 'measuredDownMs',
): number {
  return rows.reduce((total, row) => total + row[key], 0);
}

function percent(upMs: number, downMs: number): string {
  return upMs + downMs === 0 ? '-' : `${((100 * upMs) / (upMs + downMs)).toFixed(1)} %`;
}
