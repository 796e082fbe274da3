/**
 * A real InfluxDB 1.x for tests, in a directory of its own on free ports. Not shipped: the package leaves out
 * everything named `*.test.*`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const PROGRAM = '/usr/bin/influxd';

/** Options of a test that needs InfluxDB: skipped with a word where it is not installed, but never in CI. */
export const needsInfluxd =
  existsSync(PROGRAM) || process.env.CI === 'true'
    ? {}
    : { skip: `${PROGRAM} is not installed (Debian: apt-get install influxdb)` };

export interface Influxd extends AsyncDisposable {
  readonly url: string;
  /** Starts it again on the same ports with the same data. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startInfluxd({ auth = false } = {}): Promise<Influxd> {
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-influxd-'));
  const [httpPort, rpcPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${httpPort}`;
  const config = join(directory, 'influxd.conf');
  await writeFile(config, configText(directory, httpPort, rpcPort, auth));
  let child: ChildProcess | undefined;
  const server: Influxd = {
    url,
    async start() {
      child = spawn(PROGRAM, ['-config', config], { stdio: 'ignore' });
      await answering(url, child);
    },
    async stop() {
      const ending = child;
      child = undefined;
      if (ending === undefined || ending.exitCode !== null) return;
      const ended = new Promise((resolve) => ending.once('exit', resolve));
      ending.kill('SIGTERM');
      await ended;
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** Runs InfluxQL by plain HTTP, apart from everything under test. */
export async function ask(
  url: string,
  q: string,
  parameters: Record<string, string> = {},
): Promise<unknown[][]> {
  const response = await fetch(`${url}/query?${new URLSearchParams({ epoch: 'ms', ...parameters })}`, {
    method: 'POST',
    body: new URLSearchParams({ q }),
  });
  const { results, error } = (await response.json()) as {
    results?: { series?: { values: unknown[][] }[]; error?: string }[];
    error?: string;
  };
  const failed = error ?? results?.[0]?.error;
  if (failed !== undefined) throw new Error(failed);
  return results?.[0]?.series?.flatMap(({ values }) => values) ?? [];
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`influxd ended with code ${child.exitCode}`);
    const isUp = await fetch(`${url}/ping`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    await pause(50);
  }
  throw new Error(`influxd did not answer at ${url} within 30 s`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function configText(directory: string, httpPort: number, rpcPort: number, auth: boolean): string {
  return `reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${directory}/meta"
[data]
  dir = "${directory}/data"
  wal-dir = "${directory}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:${httpPort}"
  auth-enabled = ${auth}
  log-enabled = false
[monitor]
  store-enabled = false
`;
}
