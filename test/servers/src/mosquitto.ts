/** A real mosquitto on a port of its own, which can be stopped and started again. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { skipWithout } from './programs.ts';
import { ServerProcess } from './server-process.ts';

/** Options of a test that needs mosquitto. */
export const needsMosquitto = { skip: skipWithout('mosquitto') };

export class Mosquitto implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly #directory: string;
  readonly #process = new ServerProcess();
  readonly #configuration: string | undefined;

  private constructor(port: number, directory: string, configuration: string | undefined) {
    this.port = port;
    this.url = `mqtt://127.0.0.1:${port}`;
    this.#directory = directory;
    this.#configuration = configuration;
  }

  /** `configuration` replaces listener and access, and is given the port to listen on. */
  static async start(configuration?: (port: number) => string): Promise<Mosquitto> {
    const directory = await mkdtemp(join(tmpdir(), 'slowbeat-mosquitto-'));
    const port = await freePort();
    const broker = new Mosquitto(port, directory, configuration?.(port));
    await broker.run();
    return broker;
  }

  /** Of the running process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Starts the process, again if it was stopped: with what it had kept. */
  async run(): Promise<void> {
    const config = join(this.#directory, 'mosquitto.conf');
    const open = `persistence true\nlistener ${this.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n`;
    const place = `persistence_location ${this.#directory}/\nuser root\n`;
    await writeFile(config, `${place}${this.#configuration ?? open}`);
    await this.#process.start('mosquitto', ['-c', config], 'stderr', /version \S+ running/);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#process.stop(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
    await rm(this.#directory, { recursive: true });
  }
}
