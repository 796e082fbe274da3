/** A real VictoriaMetrics for tests, in a directory of its own on a free port. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { skipWithout } from './programs.ts';
import { until } from './waiting.ts';

/** Options of a test that needs VictoriaMetrics. */
export const needsVictoriaMetrics = { skip: skipWithout('victoria-metrics') };

export interface Samples {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly number[];
  readonly timestamps: readonly number[];
}

export interface VictoriaMetrics extends AsyncDisposable {
  readonly url: string;
  /** Every sample of a metric, as they are stored. */
  samples(name: string): Promise<Samples[]>;
}

export async function startVictoriaMetrics(): Promise<VictoriaMetrics> {
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-victoria-'));
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const options = [`-storageDataPath=${directory}`, `-httpListenAddr=${address}`, '-retentionPeriod=100y'];
  // A point that is sent again after a kill is one point.
  const child = spawn('victoria-metrics', [...options, '-dedup.minScrapeInterval=1ms'], { stdio: 'ignore' });
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`victoria-metrics ended with code ${child.exitCode}`);
    return fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  }, `victoria-metrics answers at ${url}`);
  return {
    url,
    async samples(name) {
      await fetch(`${url}/internal/force_flush`);
      const response = await fetch(`${url}/api/v1/export?${new URLSearchParams({ 'match[]': name })}`);
      const lines = (await response.text()).split('\n').filter((line) => line !== '');
      return lines.map((line) => {
        const { metric, values, timestamps } = JSON.parse(line);
        return { labels: metric, values, timestamps };
      });
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) {
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        await exited;
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}
