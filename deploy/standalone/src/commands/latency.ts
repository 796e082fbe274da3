/** `slowbeat latency`: how long heartbeats were on their way, how late they came, and how many came at all. */
import {
  type LatencyNumbers,
  type LatencyReport,
  latency,
  type TimeZone,
  type Window,
} from '@slowbeat/detector-service/uptime';
import type { Command } from 'commander';
import { lineChartSvg, sparkline } from '../charts/line-chart.ts';
import type { Context } from '../context.ts';
import { csv } from '../csv.ts';
import { CommandError } from '../exit-codes.ts';
import { writeAnswer } from '../query/answers.ts';
import {
  addFormatOptions,
  addQueryOptions,
  type FormatFlags,
  type SlotFlags,
  selectionOf,
  slotOption,
  windowOf,
  zoneOf,
} from '../query/options.ts';
import { asking, printedQuery } from '../query/source.ts';
import { span } from '../span.ts';
import { textTable } from '../text-table.ts';

const HOUR_MS = 3_600_000;

export function addLatencyCommand(program: Command, context: Context): void {
  const command = program
    .command('latency')
    .description(
      'how long heartbeats were on their way, how late they came, and how many came, by closed hours',
    )
    .addOption(slotOption());
  addFormatOptions(addQueryOptions(command)).action((flags: SlotFlags & FormatFlags) =>
    report(flags, context),
  );
}

async function report(flags: SlotFlags & FormatFlags, context: Context): Promise<void> {
  const { stdout } = context.terminal;
  const zone = zoneOf(flags);
  const window = wholeHours(windowOf(flags, Date.now()), Date.now());
  const select = selectionOf(flags);
  if (flags.printQuery) {
    stdout.write(await printedQuery(flags, context, { select, window, measurement: 'device_1h' }));
    return;
  }
  const by = flags.by ?? (flags.plot ? (window.to - window.from > 72 * HOUR_MS ? 'day' : 'hour') : undefined);
  const answer = await asking(flags, context, window, ({ source, from, to }) =>
    latency({ source, select, from, to, by, zone }),
  );
  if (flags.json) stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  if (answer.rows.length === 0) {
    const hours = `between ${zone.format(answer.from)} and ${zone.format(answer.to)}`;
    throw new CommandError(`no hour of a device was closed ${hours}; the current hour is not told of yet`);
  }
  if (flags.json) return;
  if (flags.csv) stdout.write(csvOf(answer, zone));
  else if (typeof flags.plot === 'string') await writeAnswer('--plot', flags.plot, latencySvg(answer, zone));
  else if (flags.plot) stdout.write(sparklinesOf(answer, zone));
  else stdout.write(tableOf(answer, zone, by !== undefined));
}

/** The series knows whole hours: those in which a window begins and ends belong to it, but for the current one. */
function wholeHours({ from, to }: Window, now: number): Window {
  const end = Math.ceil(to / HOUR_MS) * HOUR_MS;
  return { from: Math.floor(from / HOUR_MS) * HOUR_MS, to: end <= now ? end : to };
}

interface Line extends LatencyNumbers {
  readonly deviceClass: string;
  readonly device: string;
  readonly kind?: string | undefined;
  readonly slots?: readonly (Window & LatencyNumbers)[];
}

function linesOf({ rows, total }: LatencyReport): Line[] {
  return [...rows, { ...total, deviceClass: 'total', device: `${total.devices} devices` }];
}

function tableOf(answer: LatencyReport, zone: TimeZone, withSlots: boolean): string {
  const right = (title: string) => ({ title, align: 'right' }) as const;
  const columns = [
    { title: 'class' },
    { title: 'device' },
    { title: withSlots ? 'from' : 'measured as' },
    ...['beats', 'success', 'min', 'mean', 'p50', 'p95', 'max', 'late mean', 'late max'].map(right),
  ];
  const numbers = ({
    beats,
    successPercent,
    minMs,
    meanMs,
    p50Ms,
    p95Ms,
    maxMs,
    late,
  }: LatencyNumbers): string[] => [
    String(beats),
    successPercent === undefined ? '-' : `${successPercent.toFixed(2)} %`,
    ...[minMs, meanMs, p50Ms, p95Ms, maxMs, late.meanMs, late.maxMs].map((ms) =>
      ms === undefined ? '-' : span(ms),
    ),
  ];
  const rows = linesOf(answer).flatMap((line) =>
    withSlots
      ? (line.slots ?? []).map((slot) => [
          line.deviceClass,
          line.device,
          zone.format(slot.from),
          ...numbers(slot),
        ])
      : [[line.deviceClass, line.device, line.kind ?? '', ...numbers(line)]],
  );
  return `${zone.format(answer.from)} to ${zone.format(answer.to)}\n${textTable(columns, rows).join('\n')}\n`;
}

/** The percentiles of all that was asked for, over time. */
export function latencySvg({ from, to, total }: LatencyReport, zone: TimeZone, title = 'Latency'): string {
  const slots = total.slots ?? [];
  const line = (name: string, read: (slot: LatencyNumbers) => number | undefined) => ({
    name,
    points: slots.map((slot) => ({ at: (slot.from + slot.to) / 2, value: read(slot) })),
  });
  const lines = [line('p50', ({ p50Ms }) => p50Ms), line('p95', ({ p95Ms }) => p95Ms)];
  return lineChartSvg({ title, lines, from, to, zone, label: span });
}

function sparklinesOf(answer: LatencyReport, zone: TimeZone): string {
  const columns = ['class', 'device', 'p50', 'p95', 'p95 over time'].map((title) => ({ title }));
  const largest = Math.max(
    ...linesOf(answer).flatMap(({ slots = [] }) => slots.flatMap(({ p95Ms }) => p95Ms ?? [])),
    0,
  );
  const text = (ms: number | undefined): string => (ms === undefined ? '-' : span(ms));
  const rows = linesOf(answer).map(({ deviceClass, device, p50Ms, p95Ms, slots = [] }) => [
    deviceClass,
    device,
    text(p50Ms),
    text(p95Ms),
    sparkline(
      slots.map((slot) => slot.p95Ms),
      largest,
    ),
  ]);
  const scale = `█ is ${span(largest)}`;
  return `${zone.format(answer.from)} to ${zone.format(answer.to)}\n${textTable(columns, rows).join('\n')}\n\n${scale}\n`;
}

const CSV_COLUMNS = [
  ...[
    'class',
    'device',
    'from',
    'to',
    'beats',
    'expected_beats',
    'success_percent',
    'lat_count',
    'lat_min_ms',
  ],
  ...['lat_mean_ms', 'lat_p50_ms', 'lat_p95_ms', 'lat_max_ms', 'late_count', 'late_mean_ms', 'late_max_ms'],
];

function csvOf(answer: LatencyReport, zone: TimeZone): string {
  const rows = answer.rows.flatMap(({ deviceClass, device, slots, ...whole }) =>
    (slots ?? [{ ...whole, from: answer.from, to: answer.to }]).map((one) => [
      ...[deviceClass, device, zone.format(one.from), zone.format(one.to)],
      ...[
        one.beats,
        one.expectedBeats,
        one.successPercent,
        one.count,
        one.minMs,
        one.meanMs,
        one.p50Ms,
        one.p95Ms,
      ],
      ...[one.maxMs, one.late.count, one.late.meanMs, one.late.maxMs],
    ]),
  );
  return csv(CSV_COLUMNS, rows);
}
