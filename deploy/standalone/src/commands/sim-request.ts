/** What the commands that simulate share: a scenario by name or file, flags as options, errors as exit codes. */
import { listScenarios, ScenarioError, SimError } from '@slowbeat/firmware-sim';
import type * as z from 'zod';
import { UnreachableError, UsageError } from '../exit-codes.ts';
import { readYamlFile } from '../settings/yaml-file.ts';

export interface RequestFlags {
  readonly devices?: string;
  readonly seed?: string;
  readonly scenario?: string;
}

/** The flags whose text is not the option's value. */
export async function requestOf({ devices, seed, scenario }: RequestFlags): Promise<Record<string, unknown>> {
  return {
    ...(devices !== undefined && { count: devices }),
    ...(seed !== undefined && { seed: /^\d{1,15}$/.test(seed) ? Number(seed) : seed }),
    ...(scenario !== undefined && { scenario: await scenarioOf(scenario) }),
  };
}

/** A built-in's name stays a name; everything else is a file. */
async function scenarioOf(nameOrFile: string): Promise<string | Record<string, unknown>> {
  const known = listScenarios().map(({ name }) => name);
  if (known.includes(nameOrFile)) return nameOrFile;
  const file = await readYamlFile(nameOrFile);
  if (file === undefined) {
    throw new UsageError(`--scenario ${nameOrFile}: neither a file nor one of ${known.join(', ')}`);
  }
  return file.value as Record<string, unknown>;
}

/** The options as given when they fit the schema; else a {@link UsageError} that names the flag. */
export function checkedFlags(
  schema: z.ZodType,
  options: Readonly<Record<string, unknown>>,
  flags: { readonly devices?: string; readonly [flag: string]: unknown },
): Readonly<Record<string, unknown>> {
  const checked = schema.safeParse(options);
  if (checked.success) return options;
  const [issue] = checked.error.issues;
  const name = String(issue?.path[0] ?? '');
  const flag = `--${name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`;
  const given =
    name === 'count' && flags.devices !== undefined
      ? `--devices ${flags.devices}`
      : `${flag} ${flags[name] ?? ''}`;
  const problem = issue?.message.replace(/^Invalid (input|option): /, '');
  throw new UsageError(
    `${given}: ${problem === 'expected number, received NaN' ? 'must be a number' : problem}`,
  );
}

export function asSimError(error: unknown): unknown {
  if (error instanceof ScenarioError)
    return new UsageError(`--scenario: ${error.mistakes.join('; ')}`, error);
  if (!(error instanceof SimError)) return error;
  if (error.code === 'broker-unreachable') return new UnreachableError(error.message, error);
  return new UsageError(error.message, error);
}
