/** Where answers come from: a monitor's journal, or InfluxDB. */
import { access } from 'node:fs/promises';
import { pathsIn, readAliveMark } from '@slowbeat/detector-service';
import { type InfluxTarget, influxDoctor, StoreError } from '@slowbeat/detector-service/store';
import {
  type Dialect,
  type DialectName,
  databaseSource,
  flux,
  influxQl,
  journalSource,
  LOOK_BACK_MS,
  type PointQuery,
  type PointSource,
  queryTexts,
  type SlotQuery,
  sql,
  type Window,
} from '@slowbeat/detector-service/uptime';
import { influxTarget } from '../commands/start.ts';
import type { Context } from '../context.ts';
import { CommandError, EXIT, UnreachableError, UsageError } from '../exit-codes.ts';
import { loadBrokerSettings } from '../settings/options.ts';
import type { QueryFlags } from './options.ts';

/** A mark older than this was left by a monitor that does not run any more. */
const MARK_FRESH_MS = 5000;

/** Minutes come shortly after they end, and delivery may be behind a little. */
const TOLD_LATE_MS = 300_000;

export type SourceFlags = Pick<QueryFlags, 'data' | 'config' | 'dialect'>;

/** A window that the source can speak for, and the source. */
export interface Asked extends Window {
  readonly source: PointSource;
}

/**
 * Lets `answer` ask the source that flags and environment name. Damage and a monitor that stopped are told on stderr.
 * @throws CommandError for what a person can put right.
 */
export async function asking<T>(
  flags: SourceFlags,
  context: Context,
  window: Window,
  answer: (asked: Asked) => Promise<T>,
): Promise<T> {
  const target = flags.data === undefined ? influxTarget(context.env) : undefined;
  if (target !== undefined) return inDatabase(target, flags.dialect, context, window, answer);
  if (flags.dialect !== undefined) throw new UsageError('--dialect asks InfluxDB: set INFLUX_URL');
  const { dataDirectory } =
    flags.data === undefined ? await loadBrokerSettings(flags, context) : { dataDirectory: flags.data };
  try {
    return await inJournal(dataDirectory, context, window, answer);
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    if (error instanceof RangeError) throw new UsageError(error.message, error);
    if (code === undefined || syscall === undefined) throw error;
    throw new CommandError(
      `the data directory ${dataDirectory} cannot be read: ${message}`,
      EXIT.failed,
      error,
    );
  }
}

async function inDatabase<T>(
  target: InfluxTarget,
  named: DialectName | undefined,
  { terminal }: Context,
  { from, to }: Window,
  answer: (asked: Asked) => Promise<T>,
): Promise<T> {
  const dialect = dialectNamed(named ?? (await dialectSpoken(target)), target);
  const source = databaseSource(target, { dialect });
  try {
    const toldUntil = (await source.toldUntil(from - LOOK_BACK_MS, Date.now())) ?? to;
    if (to - toldUntil <= TOLD_LATE_MS) return await answer({ source, from, to });
    const until = new Date(toldUntil).toISOString();
    if (toldUntil <= from) throw new CommandError(`no monitor has told the database anything since ${until}`);
    terminal.stderr.write(
      `slowbeat: no monitor has told the database anything since ${until}; the window ends there\n`,
    );
    return await answer({ source, from, to: toldUntil });
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message, error);
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'influx-unreachable') {
      throw new UnreachableError(`${error.message}; start it, or correct INFLUX_URL`, error);
    }
    throw new CommandError(`${error.message}${remedyFor(error.message, named)}`, EXIT.refused, error);
  } finally {
    source.close();
  }
}

/** What to do about a database that refuses to answer. */
function remedyFor(said: string, named: DialectName | undefined): string {
  if (named !== undefined && said.includes('(404)')) {
    return `; it may not speak ${named}: without --dialect it is asked in what its version speaks`;
  }
  if (/\(40[13]\)/.test(said)) return '; check INFLUX_USERNAME and INFLUX_PASSWORD, or INFLUX_TOKEN';
  if (said.includes('not found')) return '; correct INFLUX_DATABASE or INFLUX_BUCKET';
  return '';
}

/** Each generation is asked in the language that it speaks best; all that write like one of them, in InfluxQL. */
async function dialectSpoken(target: InfluxTarget): Promise<DialectName> {
  if (target.bucket === undefined) return 'influxql';
  const { version = '' } = await influxDoctor(target);
  if (/^v?2\./.test(version)) return 'flux';
  return /^v?3\./.test(version) ? 'sql' : 'influxql';
}

function dialectNamed(name: DialectName, target: InfluxTarget | undefined): Dialect {
  if (name === 'flux') return flux(target?.bucket ?? target?.database ?? 'slowbeat');
  return name === 'sql' ? sql : influxQl;
}

/** The texts for a query, in the dialect that flags and environment name; nothing is asked. */
export async function printedQuery(
  { dialect }: SourceFlags,
  { env }: Context,
  query: PointQuery | SlotQuery,
): Promise<string> {
  const target = influxTarget(env);
  const name = dialect ?? (target?.bucket === undefined ? 'influxql' : await dialectSpoken(target));
  const separator = name === 'flux' ? '\n\n' : ';\n\n';
  return `${queryTexts(dialectNamed(name, target), query).join(separator)}\n`;
}

async function inJournal<T>(
  dataDirectory: string,
  { terminal }: Context,
  { from, to }: Window,
  answer: (asked: Asked) => Promise<T>,
): Promise<T> {
  const { journal, mark } = pathsIn(dataDirectory);
  await access(journal).catch((error: unknown) => {
    const remedy = 'name the data directory of a monitor with --data, or a database with INFLUX_URL';
    throw new UnreachableError(`there is no journal in ${dataDirectory}; ${remedy}`, error);
  });
  const tell = (line: string): void => void terminal.stderr.write(`slowbeat: ${line}\n`);
  const now = Date.now();
  const watchedUntil = (await readAliveMark(mark)) ?? now;
  let end = to;
  if (now - watchedUntil > MARK_FRESH_MS && watchedUntil < to) {
    // A killed monitor could not write that it stopped; what it said last does not hold for ever.
    const until = new Date(watchedUntil).toISOString();
    if (watchedUntil <= from) throw new CommandError(`no monitor has watched since ${until}`);
    tell(`no monitor has watched since ${until}; the window ends there`);
    end = watchedUntil;
  }
  const source = journalSource(journal);
  const answered = await answer({ source, from, to: end });
  if (source.damagedLines > 0) {
    tell(
      `${source.damagedLines} damaged lines were passed over; slowbeat journal verify tells where they are`,
    );
  }
  return answered;
}
