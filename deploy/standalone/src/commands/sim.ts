/** `slowbeat sim`: fleets of failing devices with known truth. */
import { readFileSync } from 'node:fs';
import { formatDuration, mqttTransport } from '@slowbeat/device-sdk';
import {
  listScenarios,
  type RunSummary,
  runSimLive,
  type SimLiveOptions,
  simLiveOptionsSchema,
} from '@slowbeat/firmware-sim';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { EXIT, UnreachableError, UsageError } from '../exit-codes.ts';
import { createLogger, wantsJson } from '../log-format.ts';
import { onStopRequest } from '../stopping.ts';
import { textTable } from '../text-table.ts';
import { asSimError, checkedFlags, requestOf } from './sim-request.ts';
import { addSimVirtualCommand } from './sim-virtual.ts';

interface LiveFlags {
  readonly devices?: string;
  readonly seed?: string;
  readonly passwordFile?: string;
  readonly cafile?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly insecure?: boolean;
  readonly scenario?: string;
  readonly verbose?: boolean;
  readonly [flag: string]: string | boolean | undefined;
}

export function addSimCommand(program: Command, context: Context): void {
  const sim = program.command('sim').description('simulate a fleet whose truth is known');
  sim
    .command('scenarios')
    .description('list the stories that come with it')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: boolean }) => {
      const { stdout } = context.terminal;
      stdout.write(json ? `${JSON.stringify(listScenarios(), null, 2)}\n` : scenarioTable());
    });
  sim
    .command('live')
    .description('play a story with real devices over real MQTT; the truth comes as NDJSON on stdout')
    .option(
      '--scenario <name|file>',
      'a story by name, a YAML or JSON file, or the run.json of an earlier run',
    )
    .option('-c, --count <n>', 'devices')
    .option('--devices <n>', 'the same as --count')
    .option('-R, --connect-rate <n>', 'devices started per second')
    .option('-I, --interval <duration>', "replaces every class's interval, such as 2s")
    .option('-n, --start-number <n>', "number of each class's first device")
    .option('--prefix <text>', 'begins every device name; %i and %c in it stand for number and class')
    .option('--seed <seed>', 'the same seed tells the same story')
    .option('--for <duration>', 'length of the run')
    .option('--url <url>', 'the broker, such as mqtts://broker.example:8883')
    .option('-h, --host <host>', "the broker's host (default: 127.0.0.1)")
    .option('-p, --port <port>', "the broker's port (default: 1883)")
    .option('-u, --username <name>', 'with %i number, %c class and %d device')
    .option('-P, --password <text>', 'better: --password-file')
    .option('--password-file <file>', 'file that holds the password')
    .option('--cafile <file>', 'certificates of the authorities to trust')
    .option('--cert <file>', 'own certificate')
    .option('--key <file>', 'its key')
    .option('--insecure', 'do not check the certificate of the broker')
    .option('--truth <file>', 'write the truth there instead of stdout')
    .option('--record <file>', 'write what the run can be repeated from', 'run.json')
    .option('--no-record', 'do not write that')
    .option('--ending <how>', 'how devices leave at the end: bye, silent or cut')
    .option('-d, --debug', 'log what the devices do')
    .action((flags: LiveFlags) => live(flags, context));
  addSimVirtualCommand(sim, context);
}

function scenarioTable(): string {
  const rows = listScenarios().map(({ name, devices, durationMs, description }) => [
    name,
    String(devices),
    formatDuration(durationMs),
    description,
  ]);
  const columns = [
    { title: 'name' },
    { title: 'devices', align: 'right' },
    { title: 'takes' },
    { title: 'story' },
  ] as const;
  return `${textTable(columns, rows).join('\n')}\n`;
}

async function live(flags: LiveFlags, context: Context): Promise<void> {
  const { stdout, stderr } = context.terminal;
  const options = await liveOptions(flags);
  const logger = createLogger({
    level: flags.debug ? 'debug' : 'error',
    json: wantsJson('auto', stderr),
    stream: stderr,
  });
  using stop = onStopRequest((line) => void stderr.write(`slowbeat: ${line}\n`), process.exit);
  const toStdout = (line: object) => void stdout.write(`${JSON.stringify(line)}\n`);
  try {
    const { summary } = await runSimLive(options, {
      signal: stop.signal,
      logger: {
        debug: (text) => logger.debug(text),
        info: (text) => logger.info(text),
        warn: (text) => logger.warn(text),
        error: (text) => logger.error(text),
      },
      ...(options.truth === undefined && { onTruth: toStdout, onOutage: toStdout }),
      ...tlsTransport(flags, options),
      onStart: ({ seed, count, for: length }) =>
        void stderr.write(`playing with ${count} devices for ${length}, seed ${seed}\n`),
    });
    stderr.write(summaryText(summary));
    if (summary.connects === 0 && !summary.interrupted) {
      const where = options.url ?? `${options.host ?? '127.0.0.1'}:${options.port ?? 1883}`;
      throw new UnreachableError(`no device could connect to ${where}`);
    }
  } catch (error) {
    throw asSimError(error);
  }
  if (stop.asked() === 'SIGINT') process.exitCode = EXIT.interrupted;
}

/** Flags as the simulator's options, or a {@link UsageError} that names the flag. */
async function liveOptions(flags: LiveFlags): Promise<SimLiveOptions> {
  const { devices, passwordFile, cafile, cert, key, insecure, debug, record, seed, scenario, ...rest } =
    flags;
  if (flags.password !== undefined && process.stderr.isTTY) {
    process.stderr.write(
      'slowbeat: -P shows the password to everybody on this machine; use --password-file\n',
    );
  }
  const raw = {
    ...rest,
    ...(passwordFile !== undefined && {
      password: readFlagFile('--password-file', passwordFile).toString().trimEnd(),
    }),
    ...(typeof record === 'string' && { record }),
    ...(await requestOf(flags)),
  };
  return checkedFlags(simLiveOptionsSchema, raw, flags) as SimLiveOptions;
}

function tlsTransport(
  { cafile, cert, key, insecure }: LiveFlags,
  { url }: SimLiveOptions,
): { transport?: ReturnType<typeof mqttTransport> } {
  if (cafile === undefined && cert === undefined && key === undefined && !insecure) return {};
  if (url === undefined) throw new UsageError('--cafile, --cert, --key and --insecure need --url mqtts://…');
  const transport = mqttTransport({
    url,
    ...(cafile !== undefined && { ca: readFlagFile('--cafile', cafile) }),
    ...(cert !== undefined && { cert: readFlagFile('--cert', cert) }),
    ...(key !== undefined && { key: readFlagFile('--key', key) }),
    ...(insecure && { rejectUnauthorized: false }),
  });
  return { transport };
}

function readFlagFile(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`${flag} ${path}: ${(error as Error).message}`, error);
  }
}

function summaryText({ devices, beats, connects, connectionsCut, faults, interrupted }: RunSummary): string {
  const struck = Object.entries(faults).map(([cause, count]) => `${count} ${cause}`);
  return [
    `${interrupted ? 'interrupted' : 'over'}: ${devices} devices, ${beats.acknowledged} of ${beats.sent} beats acknowledged, ${connects} connects, ${connectionsCut} connections cut`,
    `faults: ${struck.join(', ') || 'none'}`,
    '',
  ].join('\n');
}
