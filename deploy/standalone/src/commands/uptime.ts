/** `slowbeat uptime`: how much of a window devices were up, from the journal or from InfluxDB. */
import {
  coarsest,
  type TimeZone,
  type UptimeNumbers,
  type UptimeQuery,
  type UptimeReport,
  type UptimeRow,
  type UptimeSlot,
  type UptimeSum,
  uptimeSums,
} from '@slowbeat/detector-service/uptime';
import { type Command, Option } from 'commander';
import { STRIP_LEGEND, stripsSvg, terminalStrip } from '../charts/state-strip.ts';
import type { Context } from '../context.ts';
import { csv } from '../csv.ts';
import { nobodyKnown, writeAnswer } from '../query/answers.ts';
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

interface UptimeFlags extends SlotFlags, FormatFlags {
  readonly per: 'device' | 'class' | 'total';
  readonly rollups?: boolean;
}

/** Characters of a strip in the terminal, and slots of one in a file. */
const STRIP_COLUMNS = 64;
const STRIP_PARTS = 240;

export function addUptimeCommand(program: Command, context: Context): void {
  const command = program
    .command('uptime')
    .description('how much of a window devices were up, down and unknown')
    .addOption(slotOption())
    .addOption(
      new Option('--per <what>', 'one row for each').choices(['device', 'class', 'total']).default('device'),
    )
    .option('--rollups', 'from closed hours and days, where the window fits them');
  addFormatOptions(addQueryOptions(command)).action((flags: UptimeFlags) => report(flags, context));
}

async function report(flags: UptimeFlags, context: Context): Promise<void> {
  const { stdout } = context.terminal;
  const zone = zoneOf(flags);
  const window = windowOf(flags, Date.now());
  const select = selectionOf(flags);
  const series = flags.rollups ? 'rollups' : 'verdicts';
  if (flags.printQuery) {
    const query = flags.rollups
      ? { select, window, measurement: coarsest([window.from, window.to]) }
      : ({ select, window, want: flags.by === undefined && !flags.plot ? 'ends' : 'all' } as const);
    stdout.write(await printedQuery(flags, context, query));
    return;
  }
  const by = flags.plot ? { parts: flags.plot === true ? STRIP_COLUMNS : STRIP_PARTS } : flags.by;
  const answer = await asking(flags, context, window, ({ source, from, to }) =>
    collected({ source, select, from, to, by, zone, series }, flags.per),
  );
  if (answer.total.devices === 0) {
    if (flags.json) stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    throw nobodyKnown(flags, answer, zone);
  }
  if (flags.json) stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  else if (flags.csv) stdout.write(csvOf(answer, zone));
  else if (typeof flags.plot === 'string')
    await writeAnswer('--plot', flags.plot, stripsSvg('Uptime', answer, zone, plotted(answer)));
  else if (flags.plot) stdout.write(stripsOf(answer, zone, context));
  else stdout.write(tableOf(answer, zone, flags.by !== undefined));
}

type Answer = Omit<UptimeReport, 'rows'> & { readonly rows?: readonly UptimeRow[] };

/** Rows only when they are wanted: sums over a large fleet keep none. */
async function collected(query: UptimeQuery, per: UptimeFlags['per']): Promise<Answer> {
  const rows: UptimeRow[] = [];
  const { classes, total } = await uptimeSums(query, (row) => {
    if (per === 'device') rows.push(row);
  });
  const { from, to } = query;
  return { from, to, ...(per === 'device' && { rows }), classes: per === 'total' ? {} : classes, total };
}

interface Line extends UptimeNumbers {
  readonly class: string;
  readonly device: string;
  readonly state: string;
  readonly slots?: readonly UptimeSlot[];
}

/** Rows of devices or classes, and the total below. */
function linesOf({ rows, classes, total }: Answer): Line[] {
  const devices = ({ devices }: UptimeSum): string => `${devices} device${devices === 1 ? '' : 's'}`;
  const sum = (name: string, one: UptimeSum): Line => ({
    ...one,
    class: name,
    device: devices(one),
    state: '',
  });
  const above =
    rows?.map((row) => ({ ...row, class: row.deviceClass })) ??
    Object.entries(classes).map(([name, one]) => sum(name, one));
  return [...above, sum('total', total)];
}

function plotted(answer: Answer): UptimeRow[] {
  return linesOf(answer).map((line) => ({ ...line, deviceClass: line.class, state: 'unknown' }));
}

function stripsOf(answer: Answer, zone: TimeZone, { terminal }: Context): string {
  const columns = [
    { title: 'class' },
    { title: 'device' },
    { title: 'uptime', align: 'right' as const },
    { title: 'strip' },
  ];
  const strips = linesOf(answer).map((line) => terminalStrip(line.slots ?? [], terminal.colors));
  const rows = linesOf(answer).map((line) => [line.class, line.device, percent(line.uptimePercent), '']);
  const table = textTable(columns, rows);
  // Colours have no width, so strips are put behind what was laid out.
  const width = Math.max(...table.map((line) => line.length)) + 2;
  const drawn = table.slice(1).map((line, index) => `${line.padEnd(width)}${strips[index]}`);
  const span = `${zone.format(answer.from)} to ${zone.format(answer.to)}`;
  return [span, ...drawn, '', STRIP_LEGEND, ''].join('\n');
}

function tableOf(answer: Answer, zone: TimeZone, withSlots: boolean): string {
  const numbers = ({ uptimePercent, upMs, downMs, unknownMs, coveragePercent }: UptimeNumbers): string[] => [
    percent(uptimePercent),
    span(upMs),
    span(downMs),
    span(unknownMs),
    `${coveragePercent.toFixed(1)} %`,
  ];
  const right = (title: string) => ({ title, align: 'right' }) as const;
  const columns = [
    { title: 'class' },
    { title: 'device' },
    ...(withSlots ? [{ title: 'from' }] : []),
    ...['uptime', 'up', 'down', 'unknown', 'coverage'].map(right),
    ...(withSlots ? [] : [{ title: 'now' }]),
  ];
  const rows = linesOf(answer).flatMap((line) =>
    withSlots
      ? (line.slots ?? []).map((slot) => [line.class, line.device, zone.format(slot.from), ...numbers(slot)])
      : [[line.class, line.device, ...numbers(line), line.state]],
  );
  return `${zone.format(answer.from)} to ${zone.format(answer.to)}\n${textTable(columns, rows).join('\n')}\n`;
}

const CSV_COLUMNS = [
  'class',
  'device',
  'from',
  'to',
  'up_ms',
  'down_ms',
  'unknown_ms',
  'transitions',
  'uptime_percent',
  'coverage_percent',
];

/** Without the total, so that columns can be added up. */
function csvOf(answer: Answer, zone: TimeZone): string {
  const rows = linesOf(answer)
    .slice(0, Object.keys(answer.classes).length > 0 ? -1 : undefined)
    .flatMap((line) => {
      const windows = line.slots ?? [{ ...line, from: answer.from, to: answer.to }];
      return windows.map((one) => [
        line.class,
        answer.rows === undefined ? '' : line.device,
        zone.format(one.from),
        zone.format(one.to),
        one.upMs,
        one.downMs,
        one.unknownMs,
        one.transitions,
        one.uptimePercent,
        one.coveragePercent,
      ]);
    });
  return csv(CSV_COLUMNS, rows);
}

function percent(value: number | undefined): string {
  return value === undefined ? '-' : `${value.toFixed(3)} %`;
}
