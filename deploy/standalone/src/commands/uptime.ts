/** `slowbeat uptime`: how much of a window devices were up, from the journal or from InfluxDB. */
import { access } from 'node:fs/promises';
import { pathsIn, readAliveMark } from '@slowbeat/detector-service';
import { type InfluxTarget, StoreError } from '@slowbeat/detector-service/store';
import {
  databaseSource,
  journalSource,
  type Selection,
  type UptimeNumbers,
  type UptimeReport,
  type UptimeRow,
  uptime,
} from '@slowbeat/detector-service/uptime';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandError, EXIT, UnreachableError, UsageError } from '../exit-codes.ts';
import { parseInstant } from '../instant.ts';
import { loadBrokerSettings } from '../settings/options.ts';
import { span } from '../span.ts';
import { textTable } from '../text-table.ts';
import { influxTarget } from './start.ts';

interface UptimeFlags {
  readonly device?: string;
  readonly class?: string;
  readonly site?: string;
  readonly from: string;
  readonly to: string;
  readonly data?: string;
  readonly config?: string;
  readonly json?: boolean;
}

/** A mark older than this was left by a monitor that does not run any more. */
const MARK_FRESH_MS = 5000;

export function addUptimeCommand(program: Command, context: Context): void {
  program
    .command('uptime')
    .description('how much of a window devices were up, down and unknown')
    .option('--device <name>', 'only this device')
    .option('--class <name>', 'only devices of this class')
    .option('--site <name>', 'only the time spent at this site')
    .option('--from <instant>', '2026-11-20T10:15:00Z, 2026-11-20, or -24h for a day ago', '-24h')
    .option('--to <instant>', 'the same, or now', 'now')
    .option(
      '--data <directory>',
      "the monitor's data directory (default: that of the settings, or INFLUX_URL)",
    )
    .option('--config <file>', 'settings')
    .option('--json', 'as JSON')
    .action((flags: UptimeFlags) => report(flags, context));
}

async function report(flags: UptimeFlags, { terminal, env }: Context): Promise<void> {
  const now = Date.now();
  const from = parseInstant('--from', flags.from, now);
  const to = parseInstant('--to', flags.to, now);
  if (from >= to) throw new UsageError(`--from ${flags.from} is not before --to ${flags.to}`);
  const select: Selection = { device: flags.device, deviceClass: flags.class, site: flags.site };
  const target = flags.data === undefined ? influxTarget(env) : undefined;
  const tell = (line: string): void => void terminal.stderr.write(`slowbeat: ${line}\n`);
  const answer = target
    ? await fromInflux(target, select, from, Math.min(to, now))
    : await fromJournal(
        flags.data ?? (await loadBrokerSettings(flags, { env })).dataDirectory,
        select,
        { from, to: Math.min(to, now), now },
        tell,
      );
  if (flags.json) terminal.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  else if (answer.rows.length > 0) terminal.stdout.write(tableOf(answer));
  if (answer.rows.length === 0)
    throw new CommandError(`no device was known there between ${iso(from)} and ${iso(to)}`, EXIT.failed);
}

async function fromInflux(
  target: InfluxTarget,
  select: Selection,
  from: number,
  to: number,
): Promise<UptimeReport> {
  const source = databaseSource(target);
  try {
    return await uptime({ source, select, from, to });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'influx-unreachable') throw new UnreachableError(error.message, error);
    throw new CommandError(error.message, EXIT.refused, error);
  } finally {
    source.close();
  }
}

/** Epoch milliseconds. */
interface JournalWindow {
  readonly from: number;
  readonly to: number;
  readonly now: number;
}

async function fromJournal(
  dataDirectory: string,
  select: Selection,
  window: JournalWindow,
  tell: (line: string) => void,
): Promise<UptimeReport> {
  try {
    return await fromReadableJournal(dataDirectory, select, window, tell);
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw error;
    throw new CommandError(
      `the data directory ${dataDirectory} cannot be read: ${message}`,
      EXIT.failed,
      error,
    );
  }
}

async function fromReadableJournal(
  dataDirectory: string,
  select: Selection,
  { from, to, now }: JournalWindow,
  tell: (line: string) => void,
): Promise<UptimeReport> {
  const { journal, mark } = pathsIn(dataDirectory);
  await access(journal).catch((error: unknown) => {
    const remedy = 'name the data directory of a monitor with --data, or a database with INFLUX_URL';
    throw new UnreachableError(`there is no journal in ${dataDirectory}; ${remedy}`, error);
  });
  const watchedUntil = (await readAliveMark(mark)) ?? now;
  let end = to;
  if (now - watchedUntil > MARK_FRESH_MS && watchedUntil < to) {
    // A killed monitor could not write that it stopped; what it said last does not hold for ever.
    if (watchedUntil <= from) throw new CommandError(`no monitor has watched since ${iso(watchedUntil)}`);
    tell(`no monitor has watched since ${iso(watchedUntil)}; the window ends there`);
    end = watchedUntil;
  }
  return uptime({ source: journalSource(journal), select, from, to: end });
}

function tableOf({ rows, total, from, to }: UptimeReport): string {
  const numbers = ({ uptimePercent, upMs, downMs, unknownMs, coveragePercent }: UptimeNumbers): string[] => [
    uptimePercent === undefined ? '-' : `${uptimePercent.toFixed(3)} %`,
    span(upMs),
    span(downMs),
    span(unknownMs),
    `${coveragePercent.toFixed(1)} %`,
  ];
  const line = (row: UptimeRow): string[] => [row.deviceClass, row.device, ...numbers(row), row.state];
  const right = (title: string) => ({ title, align: 'right' }) as const;
  const columns = [
    { title: 'class' },
    { title: 'device' },
    right('uptime'),
    right('up'),
    right('down'),
    right('unknown'),
    right('coverage'),
    { title: 'now' },
  ];
  const sum = ['total', `${total.devices} devices`, ...numbers(total), ''];
  return `${iso(from)} to ${iso(to)}\n${textTable(columns, [...rows.map(line), sum]).join('\n')}\n`;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
