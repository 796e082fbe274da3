/** `slowbeat doctor`: whether everything is in place, and what to do where it is not. */
import { access, statfs } from 'node:fs/promises';
import { pathsIn, readAliveMark } from '@slowbeat/detector-service';
import {
  type DoctorFinding,
  describeTarget,
  type InfluxTarget,
  influxDoctor,
  type JournalStatus,
  journalStatus,
} from '@slowbeat/detector-service/store';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandError, EXIT, UnreachableError } from '../exit-codes.ts';
import { loadBrokerSettings } from '../settings/options.ts';
import { span } from '../span.ts';
import { influxTarget } from './start.ts';

interface DoctorFlags {
  readonly data?: string;
  readonly config?: string;
  readonly json?: boolean;
}

/** A monitor writes its mark each second; one this old has stopped. */
const MARK_FRESH_MS = 5000;
/** A database this far behind will not catch up by itself within minutes. */
const LAG_BYTES_MAX = 64 * 1_048_576;
const FREE_BYTES_MIN = 1_073_741_824;

export function addDoctorCommand(program: Command, context: Context): void {
  program
    .command('doctor')
    .description('look whether journal and InfluxDB are well, and say what to do where they are not')
    .option('--data <directory>', "the monitor's data directory (default: that of the settings)")
    .option('--config <file>', 'settings')
    .option('--json', 'as JSON')
    .action((flags: DoctorFlags) => examine(flags, context));
}

async function examine(flags: DoctorFlags, { terminal, env }: Context): Promise<void> {
  const target = influxTarget(env);
  const dataDirectory = flags.data ?? (await loadBrokerSettings(flags, { env })).dataDirectory;
  const database = target && (await influxDoctor(target));
  const findings = [
    ...(await journalFindings(dataDirectory, target)),
    ...(database?.findings ?? [NO_DATABASE]),
  ];
  if (flags.json) {
    terminal.stdout.write(`${JSON.stringify({ version: database?.version, findings }, null, 2)}\n`);
  } else {
    for (const finding of findings) terminal.stdout.write(textOf(finding, terminal.colors));
  }
  const wrong = findings.filter(({ isOk }) => !isOk).length;
  if (wrong === 0) return;
  const message = `${wrong} of ${findings.length} findings ask for something to be done`;
  if (database?.isReachable === false) throw new UnreachableError(message);
  throw new CommandError(message, EXIT.failed);
}

const NO_DATABASE: DoctorFinding = {
  isOk: true,
  text: 'no InfluxDB: the journal is the store; set INFLUX_URL to write to one as well',
};

function textOf({ isOk, text, remedy }: DoctorFinding, colors: Context['terminal']['colors']): string {
  const mark = isOk ? colors.green('ok   ') : colors.red('wrong');
  return `${mark}  ${text}\n${remedy === undefined ? '' : `       → ${remedy}\n`}`;
}

async function journalFindings(
  dataDirectory: string,
  target: InfluxTarget | undefined,
): Promise<DoctorFinding[]> {
  const { journal, mark } = pathsIn(dataDirectory);
  try {
    await access(journal);
    const status = await journalStatus(journal);
    return [
      wholeFinding(journal, status),
      monitorFinding(await readAliveMark(mark), Date.now()),
      await spaceFinding(dataDirectory),
      ...(target === undefined ? [] : [lagFinding(target, status)]),
      deadLettersFinding(status),
    ];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const missing = code === 'ENOENT';
    const text = missing
      ? `there is no journal in ${dataDirectory}`
      : `the journal cannot be read: ${message}`;
    const remedy = missing ? 'name the data directory of a monitor with --data' : 'let this user read it';
    return [{ isOk: false, text, remedy }];
  }
}

function wholeFinding(journal: string, { segments, bytes }: JournalStatus): DoctorFinding {
  const first = segments[0]?.segment;
  if (first === undefined) return { isOk: true, text: `the journal ${journal} is empty` };
  const size = `${(bytes / 1_048_576).toFixed(1)} MiB`;
  const days = `${segments.length} day${segments.length === 1 ? '' : 's'}`;
  return { isOk: true, text: `the journal ${journal} holds ${days} since ${first}, ${size}` };
}

function monitorFinding(markedAt: number | undefined, now: number): DoctorFinding {
  if (markedAt === undefined) return { isOk: true, text: 'no monitor has run there yet' };
  if (now - markedAt <= MARK_FRESH_MS) return { isOk: true, text: 'a monitor is watching' };
  const since = `${new Date(markedAt).toISOString()}, ${span(now - markedAt)} ago`;
  return { isOk: false, text: `no monitor has watched since ${since}`, remedy: 'slowbeat start' };
}

async function spaceFinding(directory: string): Promise<DoctorFinding> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  const text = `${(free / 1_073_741_824).toFixed(1)} GiB are free on its disk`;
  const remedy = 'shorten retention, or give it a larger disk';
  return free >= FREE_BYTES_MIN ? { isOk: true, text } : { isOk: false, text, remedy };
}

function lagFinding(target: InfluxTarget, { cursors, bytes }: JournalStatus): DoctorFinding {
  const place = describeTarget(target);
  const cursor = cursors.find((one) => one.target === place);
  const lagBytes = cursor?.lagBytes ?? bytes;
  if (lagBytes === 0) return { isOk: true, text: `${place} has everything` };
  const text = `${place} lacks ${(lagBytes / 1_048_576).toFixed(1)} MiB of the journal`;
  if (lagBytes <= LAG_BYTES_MAX && cursor !== undefined) return { isOk: true, text };
  return {
    isOk: false,
    text,
    remedy: 'it is delivered while slowbeat start or slowbeat detector runs with these INFLUX_… variables',
  };
}

function deadLettersFinding({ deadLetters }: JournalStatus): DoctorFinding {
  const [most] = deadLetters;
  if (most === undefined) return { isOk: true, text: 'no dead letters' };
  const lines = deadLetters.reduce((sum, letter) => sum + letter.lines, 0);
  const remedy = 'mend what the reasons say, and post them again: slowbeat journal status lists them';
  return { isOk: false, text: `${lines} dead letters; most: ${most.reason}`, remedy };
}
