/** What a person asks of a run, live or virtual: which scenario, how large, how long, from which seed. */
import { randomInt } from 'node:crypto';
import { formatDuration } from '@slowbeat/device-sdk';
import * as z from 'zod';
import { CONNECT_RATE } from './fleet.ts';
import type { PlanOptions } from './plan.ts';
import { isRunRecord, parseRunRecord, type RunRecord, runRecord } from './run-record.ts';
import { DEVICES_MAX, parseScenario, type ScenarioInput } from './scenario.ts';
import { positiveMs } from './scenario-fields.ts';
import { builtinScenario } from './scenarios/index.ts';

const DEFAULT_SCENARIO = 'demo';

/** Flags and environment variables arrive as text. */
export const numberText = (schema: z.ZodNumber) =>
  z.preprocess((value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value), schema);

export const runRequestSchema = z.strictObject({
  /** A built-in's name, or what a scenario file or a run.json holds. Default `demo`. */
  scenario: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  /** `-c`: devices. */
  count: numberText(z.int().min(1).max(DEVICES_MAX)).optional(),
  /** `-R`: devices started per second. */
  connectRate: numberText(z.number().positive().max(10_000)).optional(),
  /** `-I`: replaces every class's interval. */
  interval: positiveMs.optional(),
  /** `-n`: number of each class's first device. */
  startNumber: numberText(z.int().min(0)).optional(),
  /** Prepended to device names; or, with `%i` and `%c` in it, the name itself. */
  prefix: z.string().max(64).optional(),
  /** Same seed, same story. Default: drawn, and told. */
  seed: z.union([z.int().min(0), z.string().min(1).max(64)]).optional(),
  /** `--for`: length of the run. */
  for: positiveMs.optional(),
});

/** What a person asks for stands above what is repeated, and that above the scenario's own. */
export function requestedRun(request: z.output<typeof runRequestSchema>): RunRecord {
  const given = request.scenario ?? DEFAULT_SCENARIO;
  const repeated = isRunRecord(given) ? parseRunRecord(given) : undefined;
  const input = repeated?.scenario ?? (typeof given === 'string' ? builtinScenario(given) : given);
  const scenario = parseScenario(input);
  const interval = request.interval === undefined ? repeated?.interval : formatDuration(request.interval);
  return runRecord({
    scenario: input as ScenarioInput,
    seed: request.seed ?? repeated?.seed ?? randomInt(2 ** 32),
    for:
      request.for === undefined
        ? (repeated?.for ?? formatDuration(scenario.durationMs))
        : formatDuration(request.for),
    count: request.count ?? repeated?.count ?? scenario.devices,
    connectRate: request.connectRate ?? repeated?.connectRate ?? CONNECT_RATE,
    ...(interval !== undefined && { interval }),
    startNumber: request.startNumber ?? repeated?.startNumber ?? 1,
    prefix: request.prefix ?? repeated?.prefix ?? '',
  });
}

/** The run as its plan needs it. */
export function planOptions(record: RunRecord): PlanOptions {
  return {
    devices: record.count,
    seed: record.seed,
    durationMs: positiveMs.parse(record.for),
    intervalMs: record.interval === undefined ? undefined : positiveMs.parse(record.interval),
    connectRate: record.connectRate,
    startNumber: record.startNumber,
    prefix: record.prefix,
  };
}
