/** A real mosquitto on a port of its own, which can be stopped and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { skipWithout } from './programs.ts';

/** Options of a test that needs mosquitto. */
export const needsMosquitto = { skip: skipWithout('mosquitto') };

export class Mosquitto implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly #directory: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, directory: string) {
    this.port = port;
    this.url = `mqtt://127.0.0.1:${port}`;
    this.#directory = directory;
  }

  static async start(): Promise<Mosquitto> {
    const directory = await mkdtemp(join(tmpdir(), 'slowbeat-mosquitto-'));
    const broker = new Mosquitto(await freePort(), directory);
    await broker.run();
    return broker;
  }

  /** Of the running process. */
  get pid(): number {
    return this.#process?.pid as number;
  }

  /** Starts the process, again if it was stopped: with what it had kept. */
  async run(): Promise<void> {
    const config = join(this.#directory, 'mosquitto.conf');
    const store = `persistence true\npersistence_location ${this.#directory}/\nuser root\n`;
    await writeFile(
      config,
      `listener ${this.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n${store}`,
    );
    const child = spawn('mosquitto', ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    let log = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr?.on('data', (chunk) => {
        log += chunk;
        if (/version \S+ running/.test(log)) resolve();
      });
      child.on('error', reject);
      child.on('exit', (code) => reject(new Error(`mosquitto ended with ${code}: ${log}`)));
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
    await rm(this.#directory, { recursive: true });
  }
}
