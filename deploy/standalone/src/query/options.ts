/** Flags that all questions about the past share. */
import {
  DIALECT_NAMES,
  type DialectName,
  type Selection,
  SLOT_LENGTHS,
  type SlotLength,
  TimeZone,
  type Window,
} from '@slowbeat/detector-service/uptime';
import { type Command, Option } from 'commander';
import { UsageError } from '../exit-codes.ts';
import { parseInstant } from '../instant.ts';

export interface QueryFlags {
  readonly device?: string;
  readonly class?: string;
  readonly site?: string;
  readonly from: string;
  readonly to: string;
  readonly zone: string;
  readonly data?: string;
  readonly config?: string;
  readonly dialect?: DialectName;
  readonly printQuery?: boolean;
}

export interface SlotFlags extends QueryFlags {
  readonly by?: SlotLength;
}

/** Data comes as a table unless one of these says otherwise. */
export interface FormatFlags {
  readonly json?: boolean;
  readonly csv?: boolean;
  /** True for the terminal, else the file that gets an SVG. */
  readonly plot?: boolean | string;
}

export function addQueryOptions(command: Command): Command {
  return addSourceOptions(
    command
      .option('--device <name>', 'only this device, of whatever class')
      .option('--class <name>', 'only devices of this class')
      .option('--site <name>', 'only the time spent at this site')
      .option('--from <instant>', '2026-11-20T10:15:00Z, 2026-11-20, 2026-11, or -24h for a day ago', '-24h')
      .option('--to <instant>', 'the same, or now', 'now')
      .option('--zone <name>', 'whose days and months: a time zone such as Europe/Berlin', 'UTC'),
  );
}

export function addSourceOptions(command: Command): Command {
  return command
    .option(
      '--data <directory>',
      "the monitor's data directory (default: InfluxDB if INFLUX_URL is set, else that of the settings)",
    )
    .option('--config <file>', 'settings')
    .addOption(new Option('--dialect <name>', 'how to ask InfluxDB').choices(DIALECT_NAMES))
    .option('--print-query', 'print what InfluxDB would be asked, and ask nothing');
}

export function slotOption(): Option {
  return new Option('--by <length>', 'cut into').choices(SLOT_LENGTHS);
}

export function addFormatOptions(command: Command): Command {
  return command
    .addOption(new Option('--json', 'as JSON').conflicts('csv'))
    .option('--csv', 'as CSV')
    .option('--plot [file]', 'draw it: in the terminal, or as SVG into a file');
}

export function selectionOf({ device, class: deviceClass, site }: QueryFlags): Selection {
  return { device, deviceClass, site };
}

/** @throws UsageError for an unknown zone. */
export function zoneOf({ zone }: Pick<QueryFlags, 'zone'>): TimeZone {
  try {
    return new TimeZone(zone);
  } catch (error) {
    throw new UsageError(`--zone ${zone}: no time zone; write UTC, or one such as Europe/Berlin`, error);
  }
}

/** The window asked for, up to now at most. @throws UsageError when there is none. */
export function windowOf(flags: Pick<QueryFlags, 'from' | 'to' | 'zone'>, now: number): Window {
  const zone = zoneOf(flags);
  const from = parseInstant('--from', flags.from, now, zone);
  const to = parseInstant('--to', flags.to, now, zone);
  if (from >= to) throw new UsageError(`--from ${flags.from} is not before --to ${flags.to}`);
  if (from >= now) throw new UsageError(`--from ${flags.from} is not in the past`);
  return { from, to: Math.min(to, now) };
}
