/** `slowbeat journal`: what is in a journal, whether it is whole, and posting it to a database. */
import { access } from 'node:fs/promises';
import { pathsIn } from '@slowbeat/detector-service';
import {
  describeTarget,
  journalStatus,
  type PostProgress,
  postJournal,
  StoreError,
  verifyJournal,
} from '@slowbeat/detector-service/store';
import type { Command } from 'commander';
import { pino } from 'pino';
import type { Context } from '../context.ts';
import { CommandError, EXIT, UnreachableError, UsageError } from '../exit-codes.ts';
import { parseInstant } from '../instant.ts';
import { reportOf, statusText } from '../journal-text.ts';
import { loadBrokerSettings } from '../settings/options.ts';
import { onStopRequest } from '../stopping.ts';
import { influxTarget } from './start.ts';

interface JournalFlags {
  readonly data?: string;
  readonly config?: string;
  readonly json?: boolean;
}

interface PostFlags extends JournalFlags {
  readonly from?: string;
  readonly to?: string;
}

export function addJournalCommand(program: Command, context: Context): void {
  const journal = program
    .command('journal')
    .description('look into the journal, check it, post it to a database');
  const withPlace = (command: Command): Command =>
    command
      .option('--data <directory>', "the monitor's data directory (default: that of the settings)")
      .option('--config <file>', 'settings')
      .option('--json', 'as JSON');
  withPlace(journal.command('status'))
    .description('segments, how far they are delivered, dead letters')
    .action((flags: JournalFlags) => status(flags, context));
  withPlace(journal.command('verify'))
    .description('read every line; fails when something is damaged')
    .action((flags: JournalFlags) => verify(flags, context));
  withPlace(journal.command('post'))
    .description('post it to the database that INFLUX_URL and its like name; twice does no harm')
    .option('--from <instant>', 'only points from 2026-11-20T10:15:00Z, 2026-11-20, or -24h on')
    .option('--to <instant>', 'only points before')
    .action((flags: PostFlags) => post(flags, context));
}

async function status(flags: JournalFlags, { terminal, env }: Context): Promise<void> {
  const directory = await journalDirectory(flags, env);
  const found = await reading(directory, () => journalStatus(directory));
  terminal.stdout.write(flags.json ? `${JSON.stringify(found, null, 2)}\n` : statusText(found));
}

async function verify(flags: JournalFlags, { terminal, env }: Context): Promise<void> {
  const directory = await journalDirectory(flags, env);
  let damagedLines = 0;
  await reading(directory, async () => {
    for await (const report of verifyJournal(directory)) {
      damagedLines += report.damagedLines;
      terminal.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : reportOf(report));
    }
  });
  if (damagedLines > 0) {
    throw new CommandError(`${damagedLines} damaged lines in ${directory}; all others are read past them`);
  }
}

async function post(flags: PostFlags, { terminal, env }: Context): Promise<void> {
  const target = influxTarget(env);
  if (target === undefined)
    throw new UsageError('where to? set INFLUX_URL and INFLUX_DATABASE or INFLUX_BUCKET');
  const now = Date.now();
  const from = flags.from === undefined ? undefined : parseInstant('--from', flags.from, now);
  const to = flags.to === undefined ? undefined : parseInstant('--to', flags.to, now);
  if (from !== undefined && to !== undefined && from >= to) {
    throw new UsageError(`--from ${flags.from} is not before --to ${flags.to}`);
  }
  const directory = await journalDirectory(flags, env);
  const { stderr, stdout } = terminal;
  using stop = onStopRequest(() => undefined, process.exit);
  const onProgress = onSegment((line) => void stderr.write(`slowbeat: ${line}\n`));
  const options = { directory, target, from, to, onProgress, signal: stop.signal };
  let done: PostProgress;
  try {
    done = await reading(directory, () => postJournal({ ...options, logger: pino({ level: 'silent' }) }));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'influx-unreachable') throw new UnreachableError(error.message, error);
    const code = error.code === 'journal-closed' ? EXIT.interrupted : EXIT.refused;
    throw new CommandError(`${error.message}; what was posted stays, and can be posted again`, code, error);
  }
  const { posted, refused, damaged } = done;
  const place = describeTarget(target);
  if (flags.json) stdout.write(`${JSON.stringify({ target: place, posted, refused, damaged })}\n`);
  else stdout.write(`${posted} lines posted to ${place}\n`);
  if (refused + damaged === 0) return;
  const set = refused > 0 ? '; those refused are among the dead letters: slowbeat journal status' : '';
  throw new CommandError(`${refused} lines were refused, ${damaged} are damaged and were not sent${set}`);
}

/** A line for each segment that is done. */
function onSegment(tell: (line: string) => void): (progress: PostProgress) => void {
  let last: PostProgress | undefined;
  return (progress) => {
    if (last !== undefined && last.segment !== progress.segment)
      tell(`${last.segment}: ${last.posted} lines so far`);
    last = progress;
  };
}

async function journalDirectory(flags: JournalFlags, env: Context['env']): Promise<string> {
  const dataDirectory = flags.data ?? (await loadBrokerSettings(flags, { env })).dataDirectory;
  const { journal } = pathsIn(dataDirectory);
  await access(journal).catch((error: unknown) => {
    const remedy = 'name the data directory of a monitor with --data';
    throw new UnreachableError(`there is no journal in ${dataDirectory}; ${remedy}`, error);
  });
  return journal;
}

async function reading<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw error;
    throw new CommandError(`the journal ${directory} cannot be read: ${message}`, EXIT.failed, error);
  }
}
