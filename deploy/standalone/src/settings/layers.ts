/**
 * Where settings come from: a YAML file, then `SLOWBEAT_*` variables over it, then flags over both.
 *
 * All of them end in one schema. What it refuses is told with the place it came from: line and column of the
 * file, the variable, or the flag.
 */
import type * as z from 'zod';
import { closest } from '../did-you-mean.ts';
import { UsageError } from '../exit-codes.ts';
import { knownKeys, readText, schemaAt, valuePaths } from './schema-walk.ts';
import type { YamlFile } from './yaml-file.ts';

/** One value given by a variable or a flag. */
export interface Override {
  readonly path: readonly string[];
  readonly text: string;
  /** `SLOWBEAT_HTTP_PORT` or `--port`: what a message names. */
  readonly origin: string;
}

export const VARIABLE_PREFIX = 'SLOWBEAT_';

/** Variables that are read elsewhere and name no setting. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(['SLOWBEAT_CONFIG']);

/** `http.port` → `SLOWBEAT_HTTP_PORT`. */
export function variableFor(path: readonly string[]): string {
  return (
    VARIABLE_PREFIX +
    path.map((key) => key.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase()).join('_')
  );
}

/** The settings among the environment's variables. Throws {@link UsageError} for a `SLOWBEAT_*` that sets nothing. */
export function overridesFromEnvironment(schema: z.ZodType, env: NodeJS.ProcessEnv): Override[] {
  const paths = new Map(valuePaths(schema).map((path) => [variableFor(path), path]));
  const overrides: Override[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(VARIABLE_PREFIX) || OTHER_VARIABLES.has(name) || text === undefined) continue;
    const path = paths.get(name);
    if (path === undefined)
      throw new UsageError(`${name} is no known variable${suggestion(name, paths.keys())}`);
    overrides.push({ path, text, origin: name });
  }
  return overrides;
}

/** `http.port=9090`, as given to `--set`. */
export function overrideFromFlag(assignment: string): Override {
  const [key = '', ...rest] = assignment.split('=');
  if (rest.length === 0 || key === '') {
    throw new UsageError(`--set ${assignment}: write key=value, such as --set http.port=9090`);
  }
  return { path: key.split('.'), text: rest.join('='), origin: `--set ${assignment}` };
}

/** All that is wrong with the settings, each in one line; or the settings. */
export type Checked<T> =
  | { readonly ok: true; readonly settings: T }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Lays the overrides over the file, later ones on top, and checks the whole. */
export function checkSettings<T>(
  schema: z.ZodType<T>,
  file: YamlFile | undefined,
  overrides: readonly Override[],
): Checked<T> {
  const raw = rawSettings(schema, file, overrides);
  const { success, data, error } = schema.safeParse(raw);
  if (success) return { ok: true, settings: data };
  return {
    ok: false,
    problems: error.issues.flatMap((issue) => problemLines(schema, file, overrides, issue)),
  };
}

/** The file's content with the overrides in it, unchecked. */
export function rawSettings(
  schema: z.ZodType,
  file: YamlFile | undefined,
  overrides: readonly Override[],
): Record<string, unknown> {
  const value = file?.value ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new UsageError(
      `${file?.locate([])}: settings are keys with values, such as "http: { port: 9090 }"`,
    );
  }
  const raw = structuredClone(value) as Record<string, unknown>;
  for (const { path, text } of overrides) put(raw, path, readText(schemaAt(schema, path), text));
  return raw;
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) {
    setOwn(target, key, value);
    return;
  }
  const inner = Object.hasOwn(target, key) ? target[key] : undefined;
  const isObject = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
  const next = isObject ? (inner as Record<string, unknown>) : {};
  setOwn(target, key, next);
  put(next, rest, value);
}

/** Plain assignment would let a key named `__proto__` change what every object inherits. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

function problemLines(
  schema: z.ZodType,
  file: YamlFile | undefined,
  overrides: readonly Override[],
  issue: z.core.$ZodIssue,
): string[] {
  const path = issue.path.map(String);
  if (issue.code !== 'unrecognized_keys') {
    const where = origin(file, overrides, path) ?? 'settings';
    return [`${where}: ${[path.join('.'), wording(issue)].filter(Boolean).join(': ')}`];
  }
  return issue.keys.map((key) => {
    const here = schemaAt(schema, path);
    const where = origin(undefined, overrides, [...path, key]) ?? file?.locateKey(path, key) ?? 'settings';
    const known = here ? knownKeys(here) : [];
    const why = known.includes(key)
      ? `does not go with what else "${path.join('.')}" holds`
      : `is no known key${suggestion(key, known)}`;
    return `${where}: "${[...path, key].join('.')}" ${why}`;
  });
}

/** The latest override at, above or below the path; else its place in the file. */
function origin(
  file: YamlFile | undefined,
  overrides: readonly Override[],
  path: readonly string[],
): string | undefined {
  const touches = (override: Override): boolean =>
    override.path.every((key, i) => i >= path.length || key === path[i]);
  return overrides.findLast(touches)?.origin ?? file?.locate(path);
}

function wording(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'is missing';
  return issue.message.replace(/^Invalid (input|option): /, '');
}

export function suggestion(word: string, known: Iterable<string>): string {
  const candidates = [...known];
  const near = closest(word, candidates);
  if (near !== undefined) return `; did you mean ${near}?`;
  return candidates.length > 0 ? `; known are ${candidates.join(', ')}` : '';
}
