/** `slowbeat sim live`: from a person's options to a run, its truth file and its record. */
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { brokerUrls, type Logger } from '@slowbeat/device-sdk';
import * as z from 'zod';
import { SimError } from './errors.ts';
import { type LiveRunOptions, type RunSummary, runLive } from './live-run.ts';
import type { RunRecord } from './run-record.ts';
import { numberText, planOptions, requestedRun, runRequestSchema } from './run-request.ts';
import { parseScenario } from './scenario.ts';
import type { OutageLine, TruthLine } from './truth.ts';

const brokerUrlSchema = z.url({ protocol: /^(mqtts?|wss?)$/ });

export const simLiveOptionsSchema = z.strictObject({
  ...runRequestSchema.shape,
  /** Broker, or several with commas between; or `host` and `port`. */
  url: z
    .string()
    .refine((text) => brokerUrls(text).every((url) => brokerUrlSchema.safeParse(url).success), {
      error: 'must be a URL such as mqtt://127.0.0.1:1883, or several with commas between',
    })
    .optional(),
  host: z.string().min(1).default('127.0.0.1'),
  port: numberText(z.int().min(1).max(65_535)).default(1883),
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
  extends Pick<
    LiveRunOptions,
    'signal' | 'logger' | 'onTruth' | 'onOutage' | 'onEvent' | 'beforeLeaving' | 'transport'
  > {
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
  const record = requestedRun(checked);
  const scenario = parseScenario(record.scenario);
  hooks.onStart?.(record);
  if (checked.record !== undefined) await writeRecord(checked.record, record);
  await using truth = checked.truth === undefined ? undefined : await truthFile(checked.truth, hooks.logger);

  const { onTruth, onOutage, ...others } = hooks;
  const summary = await runLive(scenario, {
    ...others,
    url: checked.url ?? `mqtt://${checked.host}:${checked.port}`,
    username: checked.username,
    password: checked.password,
    ending: checked.ending,
    ...planOptions(record),
    onTruth(line) {
      truth?.write(line);
      onTruth?.(line);
    },
    onOutage(line) {
      truth?.write(line);
      onOutage?.(line);
    },
  });
  return { summary, record };
}

async function writeRecord(path: string, record: RunRecord): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(record, null, 2)}\n`);
  } catch (error) {
    throw new SimError('file', `cannot write the run record: ${(error as Error).message}`, error);
  }
}

interface TruthFile extends AsyncDisposable {
  write(line: TruthLine | OutageLine): void;
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
