/** What `replay` and `tune` share: a trace, its truth and its classes as flags name them. */

import { access } from 'node:fs/promises';
import { pathsIn } from '@slowbeat/detector-service';
import {
  type Classes,
  classFileSchema,
  type Table,
  TraceError,
  type TraceFile,
  type TruthFile,
  traceFile,
  truthFile,
} from '@slowbeat/detector-service/replay';
import { RecordedTrace } from '@slowbeat/detector-service/store';
import type { Command } from 'commander';
import type { Context } from './context.ts';
import { CommandError, UsageError } from './exit-codes.ts';
import { checkSettings } from './settings/layers.ts';
import { readYamlFile } from './settings/yaml-file.ts';
import { textTable } from './text-table.ts';

export interface TraceFlags {
  readonly classes: string;
  readonly truth?: string;
  readonly skipBad?: boolean;
  readonly json?: boolean;
}

export function addTraceOptions(command: Command): Command {
  return command
    .argument(
      '<trace>',
      'what was heard: NDJSON sorted by t, plain or gzip (- reads standard input), or the data directory of a monitor with rawBeats',
    )
    .requiredOption('--classes <file>', 'intervals and budgets of its classes, as YAML or JSON')
    .option('--truth <file>', 'when devices really died, as NDJSON sorted by t')
    .option('--skip-bad', 'leave bad lines out and count them, instead of stopping at the first')
    .option('--json', 'as JSON');
}

export interface TraceInput {
  readonly classes: Classes;
  readonly trace: TraceFile | RecordedTrace;
  readonly truth?: TruthFile | undefined;
}

/** Opens nothing yet but the class file. Throws {@link UsageError} about that. */
export async function traceInput(name: string, flags: TraceFlags): Promise<TraceInput> {
  const { skipBad, truth } = flags;
  if (truth === '-') throw new UsageError('--truth -: standard input can only be the trace');
  const classes = await readClasses(flags.classes);
  return {
    classes,
    trace:
      (await recordedTrace(name, classes)) ?? traceFile(name, classes, { skipBad, stdin: process.stdin }),
    truth: truth === undefined ? undefined : truthFile(truth, { skipBad }),
  };
}

/**
 * What a monitor has recorded, where the name is that of its data directory.
 *
 * @throws CommandError when it has recorded verdicts alone: no detector can be told those
 */
async function recordedTrace(name: string, classes: Classes): Promise<RecordedTrace | undefined> {
  const { beats, journal } = pathsIn(name);
  if (await exists(beats)) return new RecordedTrace(beats, classes);
  if (!(await exists(journal))) return undefined;
  throw new CommandError(
    `${name} holds verdicts, but not the heartbeats they came from (there is no ${beats}): set rawBeats: true in the ` +
      "monitor's settings, restart it, and ask again when it has heard its devices for some days",
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Throws {@link UsageError} about what is wrong in the file, with its line. */
export async function readClasses(name: string): Promise<Classes> {
  const file = await readYamlFile(name);
  if (file === undefined) throw new UsageError(`--classes ${name}: there is no such file`);
  const checked = checkSettings(classFileSchema, file, []);
  if (checked.ok) return checked.settings.classes;
  throw new UsageError(`--classes ${checked.problems.join('; ')}`);
}

/** What runs on a trace say of it all. */
interface TraceReport {
  readonly events: number;
  readonly devices: number;
  readonly strangers: readonly string[];
  readonly span?: readonly [from: number, to: number] | undefined;
}

/** Runs what reads traces: a bad file is a wrong argument, told in one line; so is a trace in which nobody speaks. */
export async function withTrace<T extends TraceReport>(
  { classes, trace, truth }: TraceInput,
  name: string,
  { terminal }: Context,
  run: () => Promise<T>,
): Promise<T> {
  try {
    const result = await run();
    if (result.events === 0) throw new CommandError(`${name} holds no event that could be used`);
    if (result.devices === 0) throw new CommandError(`${name} holds no sign of life of any device`);
    const { length, 0: first } = result.strangers;
    if (length > 0) {
      const devices = `${length} device${length === 1 ? '' : 's'}`;
      terminal.stderr.write(
        `slowbeat: the truth speaks of ${devices} that the trace does not hold, such as ${first}\n`,
      );
    }
    if (isTooShort(result, classes)) terminal.stderr.write(`slowbeat: ${name}: ${TOO_SHORT}\n`);
    return result;
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    const hint = error.line === undefined ? '' : '; --skip-bad leaves bad lines out';
    throw new UsageError(`${error.message}${hint}`, error);
  } finally {
    for (const [what, file] of [
      [name, trace],
      ['the truth', truth],
    ] as const) {
      const told = badLines(file);
      if (told !== '') terminal.stderr.write(`slowbeat: left out of ${what}: ${told}\n`);
    }
  }
}

const TOO_SHORT = 'all of it fits into one interval; "t" and "next" count milliseconds, not seconds';

/** True for what looks like a trace in seconds: many events, and less than an interval from first to last. */
function isTooShort({ events, devices, span = [0, 0] }: TraceReport, classes: Classes): boolean {
  const shortestMs = Math.min(...Object.values(classes).map(({ intervalMs }) => intervalMs));
  return events > 2 * devices && span[1] - span[0] < shortestMs;
}

/** Prints a report as data or for people, as the flags say. */
export function printReport<T extends TraceReport>(
  report: T,
  text: (report: T) => string,
  { trace }: TraceInput,
  { json }: TraceFlags,
  { terminal }: Context,
): void {
  const data = () => `${JSON.stringify({ ...report, bad: Object.fromEntries(trace.bad) }, null, 2)}\n`;
  terminal.stdout.write(json === true ? data() : text(report));
}

/** Lines that were left out, by reason: `unsorted 3, not-json 1`. */
function badLines(file: Pick<TraceFile | TruthFile | RecordedTrace, 'bad'> | undefined): string {
  return [...(file?.bad ?? [])].map(([reason, count]) => `${reason} ${count}`).join(', ');
}

/** The rule by which false alarms were counted, the legend, and the tables. */
export function tableText(judgedBy: 'truth' | 'heard-again', tables: readonly Table[]): string {
  const rows = tables
    .map(({ title, columns, rows }) => `\n${title}\n${textTable(columns, rows).join('\n')}\n`)
    .join('');
  return `${ruleText(judgedBy)}\n${LEGEND}\n${rows}`;
}

/** Says by which rule false alarms were counted. */
function ruleText(judgedBy: 'truth' | 'heard-again'): string {
  return judgedBy === 'truth'
    ? 'a false alarm is a device called dead that lived by the truth'
    : 'a false alarm is a device called dead that was heard again with the same boot (there is no --truth)';
}

const LEGEND =
  'E[T_D], p50 and p95: how soon a death at any instant would have been noticed, in intervals (and time)';
