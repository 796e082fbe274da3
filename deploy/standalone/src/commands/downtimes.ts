/** `slowbeat downtimes`: when devices were dead, and why. */
import {
  type Downtime,
  downtimes,
  type TimeZone,
  type UptimeQuery,
  uptimeRows,
} from '@slowbeat/detector-service/uptime';
import { type Command, Option } from 'commander';
import type { Context } from '../context.ts';
import { csv } from '../csv.ts';
import { nobodyKnown } from '../query/answers.ts';
import { addQueryOptions, type QueryFlags, selectionOf, windowOf, zoneOf } from '../query/options.ts';
import { asking, printedQuery } from '../query/source.ts';
import { span } from '../span.ts';
import { textTable } from '../text-table.ts';

interface DowntimesFlags extends QueryFlags {
  readonly json?: boolean;
  readonly csv?: boolean;
}

export function addDowntimesCommand(program: Command, context: Context): void {
  const command = program
    .command('downtimes')
    .description('when devices were dead, since when, until when and why')
    .addOption(new Option('--json', 'as NDJSON, one downtime a line').conflicts('csv'))
    .option('--csv', 'as CSV');
  addQueryOptions(command).action((flags: DowntimesFlags) => report(flags, context));
}

async function report(flags: DowntimesFlags, context: Context): Promise<void> {
  const { stdout, stderr } = context.terminal;
  const zone = zoneOf(flags);
  const window = windowOf(flags, Date.now());
  const select = selectionOf(flags);
  if (flags.printQuery) {
    stdout.write(await printedQuery(flags, context, { select, window, want: 'downs' }));
    return;
  }
  const found = await asking(flags, context, window, async ({ source, from, to }) => {
    const all: Downtime[] = [];
    let isKnown = false;
    for await (const down of downtimes({ source, select, from, to })) {
      isKnown = true;
      if (flags.json) stdout.write(`${JSON.stringify(down)}\n`);
      else all.push(down);
    }
    // Nobody was down, or nobody is called so.
    const isChoosy = Object.values(select).some((part) => part !== undefined);
    if (!isKnown && isChoosy && !(await isAnyoneKnown({ source, select, from, to })))
      throw nobodyKnown(flags, { from, to }, zone);
    return all;
  });
  if (flags.json) return;
  if (flags.csv) stdout.write(csvOf(found, zone));
  else if (found.length > 0) stdout.write(tableOf(found, zone));
  else
    stderr.write(
      `slowbeat: nobody was down between ${zone.format(window.from)} and ${zone.format(window.to)}\n`,
    );
}

async function isAnyoneKnown(query: UptimeQuery): Promise<boolean> {
  for await (const _ of uptimeRows(query)) return true;
  return false;
}

function tableOf(found: readonly Downtime[], zone: TimeZone): string {
  const columns = [
    { title: 'class' },
    { title: 'device' },
    { title: 'site' },
    { title: 'from' },
    { title: 'to' },
    { title: 'down', align: 'right' as const },
    { title: 'cause' },
    { title: 'ended by' },
  ];
  const rows = found.map(({ deviceClass, device, site, startAt, endAt, downMs, cause, endedBy }) => [
    deviceClass,
    device,
    site ?? '',
    zone.format(startAt),
    endAt === undefined ? 'still down' : zone.format(endAt),
    span(downMs),
    cause ?? '-',
    endedBy ?? '',
  ]);
  const sumMs = found.reduce((sum, { downMs }) => sum + downMs, 0);
  const count = `${found.length} downtime${found.length === 1 ? '' : 's'}`;
  return `${textTable(columns, [...rows, ['total', count, '', '', '', span(sumMs), '', '']]).join('\n')}\n`;
}

const CSV_COLUMNS = ['class', 'device', 'site', 'start', 'end', 'down_ms', 'cause', 'ended_by'];

function csvOf(found: readonly Downtime[], zone: TimeZone): string {
  return csv(
    CSV_COLUMNS,
    found.map(({ deviceClass, device, site, startAt, endAt, downMs, cause, endedBy }) => [
      deviceClass,
      device,
      site,
      zone.format(startAt),
      endAt === undefined ? undefined : zone.format(endAt),
      downMs,
      cause,
      endedBy,
    ]),
  );
}
