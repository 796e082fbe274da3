/** A real InfluxDB 1.x for tests, in a directory of its own on free ports. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { skipWithout } from './programs.ts';
import { until } from './waiting.ts';

/** Options of a test that needs InfluxDB. */
export const needsInfluxd = { skip: skipWithout('influxd') };

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
      child = spawn('influxd', ['-config', config], { stdio: 'ignore' });
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
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`influxd ended with code ${child.exitCode}`);
    return fetch(`${url}/ping`).then(
      ({ ok }) => ok,
      () => false,
    );
  }, `influxd answers at ${url}`);
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
