/** `slowbeat sim live`: from a person's options to a run, its truth file and its record. */
import { randomInt } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { formatDuration, type Logger } from '@slowbeat/device-sdk';
import * as z from 'zod';
import { SimError } from './errors.ts';
import { CONNECT_RATE } from './fleet.ts';
import { type LiveRunOptions, type RunSummary, runLive } from './live-run.ts';
import { isRunRecord, parseRunRecord, type RunRecord, runRecord } from './run-record.ts';
import { DEVICES_MAX, parseScenario, type ScenarioInput } from './scenario.ts';
import { positiveMs } from './scenario-fields.ts';
import { builtinScenario } from './scenarios/index.ts';
import type { TruthLine } from './truth.ts';

const DEFAULT_SCENARIO = 'demo';

/** Flags and environment variables arrive as text. */
const number = (schema: z.ZodNumber) =>
  z.preprocess((value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value), schema);

export const simLiveOptionsSchema = z.strictObject({
  /** `--scenario`: a built-in's name, or what a scenario file or a run.json holds. Default `demo`. */
  scenario: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  /** `-c`: devices. */
  count: number(z.int().min(1).max(DEVICES_MAX)).optional(),
  /** `-R`: devices started per second. */
  connectRate: number(z.number().positive().max(10_000)).optional(),
  /** `-I`: replaces every class's interval. */
  interval: positiveMs.optional(),
  /** `-n`: number of each class's first device. */
  startNumber: number(z.int().min(0)).optional(),
  /** Prepended to device names; or, with `%i` and `%c` in it, the name itself. */
  prefix: z.string().max(64).optional(),
  /** Same seed, same story. Default: drawn, and told in the record. */
  seed: z.union([z.int().min(0), z.string().min(1).max(64)]).optional(),
  /** `--for`: length of the run. */
  for: positiveMs.optional(),
  /** Broker; or `host` and `port`. */
  url: z
    .url({ protocol: /^(mqtts?|wss?)$/, error: 'must be a URL such as mqtt://127.0.0.1:1883' })
    .optional(),
  host: z.string().min(1).default('127.0.0.1'),
  port: number(z.int().min(1).max(65_535)).default(1883),
  /** With `%i` number, `%c` class and `%d` device name. */
  username: z.string().optional(),
  password: z.string().optional(),
  /** File for the truth, NDJSON. */
  truth: z.string().min(1).optional(),
  /** File for the record from which the run can be repeated. */
  record: z.string().min(1).optional(),
  ending: z.enum(['bye', 'silent', 'cut']).default('bye'),
});

export type SimLiveOptions = z.input<typeof simLiveOptionsSchema>;

export interface SimLiveHooks
  extends Pick<LiveRunOptions, 'signal' | 'logger' | 'onTruth' | 'onEvent' | 'beforeLeaving' | 'transport'> {
  /** Before anything happens: what will be run, and from which seed. */
  readonly onStart?: ((record: RunRecord) => void) | undefined;
}

export interface SimLiveResult {
  readonly summary: RunSummary;
  readonly record: RunRecord;
}

/**
 * @throws ZodError for options that do not fit {@link simLiveOptionsSchema}
 * @throws ScenarioError, SimError
 */
export async function runSimLive(options: SimLiveOptions, hooks: SimLiveHooks = {}): Promise<SimLiveResult> {
  const checked = simLiveOptionsSchema.parse(options);
  const record = recordOf(checked);
  const scenario = parseScenario(record.scenario);
  hooks.onStart?.(record);
  if (checked.record !== undefined) await writeRecord(checked.record, record);
  await using truth = checked.truth === undefined ? undefined : await truthFile(checked.truth, hooks.logger);

  const { onTruth, ...others } = hooks;
  const summary = await runLive(scenario, {
    ...others,
    url: checked.url ?? `mqtt://${checked.host}:${checked.port}`,
    username: checked.username,
    password: checked.password,
    ending: checked.ending,
    devices: record.count,
    seed: record.seed,
    durationMs: positiveMs.parse(record.for),
    intervalMs: record.interval === undefined ? undefined : positiveMs.parse(record.interval),
    connectRate: record.connectRate,
    startNumber: record.startNumber,
    prefix: record.prefix,
    onTruth(line) {
      truth?.write(line);
      onTruth?.(line);
    },
  });
  return { summary, record };
}

/** What a person asks for stands above what is repeated, and that above the scenario's own. */
function recordOf(options: z.output<typeof simLiveOptionsSchema>): RunRecord {
  const given = options.scenario ?? DEFAULT_SCENARIO;
  const repeated = isRunRecord(given) ? parseRunRecord(given) : undefined;
  const input = repeated?.scenario ?? (typeof given === 'string' ? builtinScenario(given) : given);
  const scenario = parseScenario(input);
  const interval = options.interval === undefined ? repeated?.interval : formatDuration(options.interval);
  return runRecord({
    scenario: input as ScenarioInput,
    seed: options.seed ?? repeated?.seed ?? randomInt(2 ** 32),
    for:
      options.for === undefined
        ? (repeated?.for ?? formatDuration(scenario.durationMs))
        : formatDuration(options.for),
    count: options.count ?? repeated?.count ?? scenario.devices,
    connectRate: options.connectRate ?? repeated?.connectRate ?? CONNECT_RATE,
    ...(interval !== undefined && { interval }),
    startNumber: options.startNumber ?? repeated?.startNumber ?? 1,
    prefix: options.prefix ?? repeated?.prefix ?? '',
  });
}

async function writeRecord(path: string, record: RunRecord): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(record, null, 2)}\n`);
  } catch (error) {
    throw new SimError('file', `cannot write the run record: ${(error as Error).message}`, error);
  }
}

interface TruthFile extends AsyncDisposable {
  write(line: TruthLine): void;
}

/** Opens before the run, so that a path that cannot be written ends it before it begins. */
async function truthFile(path: string, logger?: Logger): Promise<TruthFile> {
  const stream = createWriteStream(path);
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve());
    stream.once('error', (error) =>
      reject(new SimError('file', `cannot write the truth: ${error.message}`, error)),
    );
  });
  // A disk that fills up during the run takes the truth away, not the fleet.
  stream.on('error', (error) => logger?.error(`the truth file ends early: ${error.message}`));
  return {
    write: (line) => stream.write(`${JSON.stringify(line)}\n`),
    async [Symbol.asyncDispose]() {
      stream.end();
      await finished(stream).catch(() => {});
    },
  };
}
