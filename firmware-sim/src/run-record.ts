/** What `run.json` holds: everything a run was drawn from, so that it can be run again. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { issueText, ScenarioError, type ScenarioInput } from './scenario.ts';
import { positiveMs } from './scenario-fields.ts';

const FORMAT = 1;

/** Durations stay text; the scenario is checked by `parseScenario`, whose messages are better. */
const runRecordSchema = z.strictObject({
  slowbeatRun: z.literal(FORMAT, { error: `must be ${FORMAT}; other versions are not understood` }),
  /** Version of the simulator that drew it. */
  version: z.string(),
  /** The scenario itself, not its name: a later version may tell another story under the same name. */
  scenario: z.custom<ScenarioInput>(
    (value) => typeof value === 'object' && value !== null,
    'must be a scenario',
  ),
  seed: z.union([z.int().min(0), z.string()]),
  for: durationText(),
  count: z.int().min(1),
  connectRate: z.number().positive(),
  interval: durationText().optional(),
  startNumber: z.int().min(0),
  prefix: z.string(),
});

export type RunRecord = Readonly<z.output<typeof runRecordSchema>>;

export function runRecord(run: Omit<RunRecord, 'slowbeatRun' | 'version'>): RunRecord {
  return { slowbeatRun: FORMAT, version: packageVersion(), ...run };
}

/** True for what was written as a run record, whatever became of it since. */
export function isRunRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'slowbeatRun' in value;
}

/** @throws ScenarioError with every mistake and where it is */
export function parseRunRecord(value: unknown): RunRecord {
  const checked = runRecordSchema.safeParse(value);
  if (checked.success) return checked.data;
  throw new ScenarioError(checked.error.issues.map(issueText));
}

function durationText() {
  return z.string().refine((text) => positiveMs.safeParse(text).success, 'must be a duration such as 90s');
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
