/** Where InfluxDB is and how to be let in. Secrets never become part of a URL, a message or a log. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { StoreError } from './errors.ts';

export const influxTargetSchema = z
  .strictObject({
    /** Address of the server, `http://127.0.0.1:8086`; a path before `/write` may follow. */
    url: z.string().transform((url, context) => {
      const problem = urlProblem(url);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
      return url.replace(/\/+$/, '');
    }),
    /** InfluxDB 1.x: its database, written through `/write`. */
    database: z.string().min(1).optional(),
    username: z.string().min(1).optional(),
    password: z.string().optional(),
    /** InfluxDB 2.x, 3 and what speaks like them: bucket and organisation, written through `/api/v2/write`. */
    bucket: z.string().min(1).optional(),
    org: z.string().optional(),
    token: z.string().min(1).optional(),
  })
  .refine((target) => (target.database === undefined) !== (target.bucket === undefined), {
    message: 'name either a database (InfluxDB 1.x) or a bucket (2.x, 3), and not both',
  });

export type InfluxTarget = Readonly<z.output<typeof influxTargetSchema>>;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads INFLUX_URL, INFLUX_DATABASE, INFLUX_USERNAME, INFLUX_PASSWORD(_FILE), INFLUX_ORG, INFLUX_BUCKET and
 * INFLUX_TOKEN(_FILE).
 * @returns undefined when neither INFLUX_URL nor a place is set: the journal is the store then.
 * @throws StoreError `influx-config`, naming the variable, what is wrong with it and what to write instead.
 */
export function targetFromEnvironment(env: Environment): InfluxTarget | undefined {
  const url = env.INFLUX_URL || undefined;
  if (url === undefined) {
    const orphan = ['INFLUX_DATABASE', 'INFLUX_BUCKET'].find((name) => env[name]);
    if (orphan === undefined) return undefined;
    throw configError(
      `${orphan} is set without INFLUX_URL: set INFLUX_URL too (http://127.0.0.1:8086), or neither`,
    );
  }
  const problem = urlProblem(url);
  if (problem !== undefined) throw configError(`INFLUX_URL ${problem}`);
  const target = {
    url,
    database: env.INFLUX_DATABASE || undefined,
    bucket: env.INFLUX_BUCKET || undefined,
    org: env.INFLUX_ORG || undefined,
    username: env.INFLUX_USERNAME || undefined,
    password: secret(env, 'INFLUX_PASSWORD'),
    token: secret(env, 'INFLUX_TOKEN'),
  };
  if (target.database === undefined && target.bucket === undefined) {
    throw configError(
      'INFLUX_URL is set, but nothing says where to: set INFLUX_DATABASE (1.x) or INFLUX_BUCKET (2.x, 3)',
    );
  }
  if (target.database !== undefined && target.bucket !== undefined) {
    const both = `INFLUX_DATABASE "${target.database}" and INFLUX_BUCKET "${target.bucket}" are both set`;
    throw configError(`${both}: keep the first for InfluxDB 1.x, the second for 2.x and 3`);
  }
  if (target.password !== undefined && target.username === undefined) {
    throw configError('INFLUX_PASSWORD is set without INFLUX_USERNAME: set both or neither');
  }
  return influxTargetSchema.parse(target);
}

/**
 * Where raw heartbeats go: the same server, a database of their own (INFLUX_BEATS_DATABASE, or the name of the other with
 * `_beats`) or bucket (INFLUX_BEATS_BUCKET).
 * @returns undefined when there is no server, or no such bucket is named: their own journal is the store then
 */
export function beatsTarget(target: InfluxTarget | undefined, env: Environment): InfluxTarget | undefined {
  if (target === undefined) return undefined;
  if (target.database !== undefined) {
    return { ...target, database: env.INFLUX_BEATS_DATABASE || `${target.database}_beats` };
  }
  return env.INFLUX_BEATS_BUCKET ? { ...target, bucket: env.INFLUX_BEATS_BUCKET } : undefined;
}

/** The target in words for people: no secrets in it. */
export function describeTarget(target: InfluxTarget): string {
  const place = target.bucket === undefined ? `database "${target.database}"` : `bucket "${target.bucket}"`;
  return `${place} at ${target.url}`;
}

/** Tells targets apart in file names; the same place always has the same name, whoever logs in. */
export function targetId(target: InfluxTarget): string {
  const place = JSON.stringify([
    target.url,
    target.database ?? null,
    target.org ?? null,
    target.bucket ?? null,
  ]);
  return createHash('sha256').update(place).digest('hex').slice(0, 12);
}

export function writePath(target: InfluxTarget): string {
  if (target.bucket === undefined)
    return `/write?${new URLSearchParams({ db: databaseOf(target), precision: 'ms' })}`;
  const place = new URLSearchParams({ org: target.org ?? '', bucket: target.bucket, precision: 'ms' });
  return `/api/v2/write?${place}`;
}

/** The InfluxQL endpoint; a bucket answers there by its own name, where it is mapped to a database. */
export function queryPath(target: InfluxTarget, parameters: Record<string, string> = {}): string {
  return `/query?${new URLSearchParams({ db: databaseOf(target), epoch: 'ms', ...parameters })}`;
}

export function databaseOf(target: InfluxTarget): string {
  return target.database ?? target.bucket ?? '';
}

export function authorization(target: InfluxTarget): Record<string, string> {
  if (target.token !== undefined) return { authorization: `Token ${target.token}` };
  if (target.username === undefined) return {};
  const credentials = Buffer.from(`${target.username}:${target.password ?? ''}`).toString('base64');
  return { authorization: `Basic ${credentials}` };
}

function urlProblem(text: string): string | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return `"${text}" is no URL: write something like http://127.0.0.1:8086`;
  }
  if (url.username !== '' || url.password !== '') {
    return 'holds a user name or password: put them in INFLUX_USERNAME and INFLUX_PASSWORD_FILE (or username, password)';
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return `"${text}" is not http: or https: — write something like http://127.0.0.1:8086`;
  }
  if (url.search !== '' || url.hash !== '' || /\/(write|query|api\/v2.*)\/?$/.test(url.pathname)) {
    return `"${url.origin}${url.pathname}" says too much: leave away everything from /write, /query or /api on`;
  }
  return undefined;
}

function secret(env: Environment, name: string): string | undefined {
  const file = env[`${name}_FILE`] || undefined;
  const value = env[name] || undefined;
  if (file === undefined) return value;
  if (value !== undefined) throw configError(`${name} and ${name}_FILE are both set: keep one of them`);
  let content: string;
  try {
    content = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw configError(`${name}_FILE "${file}" cannot be read (${code}): name a file that this user may read`);
  }
  if (content === '') throw configError(`${name}_FILE "${file}" is empty: write the secret into it`);
  return content;
}

function configError(message: string): StoreError {
  return new StoreError('influx-config', message);
}
