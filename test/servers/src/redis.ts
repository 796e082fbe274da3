/** A real Redis server on a port of its own, which can be killed and started again with what is on its disk. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { skipWithout } from './programs.ts';
import { ServerProcess } from './server-process.ts';

const run = promisify(execFile);

/** Options of a test that needs Redis. */
export const needsRedis = { skip: skipWithout('redis-server') };

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly #directory: string;
  readonly #process = new ServerProcess();
  readonly #settings: readonly string[];

  private constructor(port: number, directory: string, settings: readonly string[]) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#directory = directory;
    this.#settings = settings;
  }

  /** `settings` as on its command line, such as `--requirepass secret`. */
  static async start(...settings: string[]): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'slowbeat-redis-'));
    const server = new RedisServer(await freePort(), directory, settings);
    await server.run();
    return server;
  }

  /** Starts the process, again if it was stopped: with what it had written. */
  async run(): Promise<void> {
    const place = ['--bind', '127.0.0.1', '--port', String(this.port), '--dir', this.#directory];
    const keeping = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
    const args = [...place, ...keeping, ...this.#settings];
    await this.#process.start('redis-server', args, 'stdout', /Ready to accept connections/);
  }

  /** What `redis-cli` answers, line by line. */
  async command(...words: string[]): Promise<string[]> {
    const { stdout } = await run('redis-cli', ['-p', String(this.port), ...words]);
    return stdout.split('\n').filter((line) => line !== '');
  }

  /** Forgets what is on its disk; it has to be stopped. */
  async forget(): Promise<void> {
    await rm(this.#directory, { recursive: true });
    await mkdir(this.#directory);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#process.stop(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
    await rm(this.#directory, { recursive: true });
  }
}
