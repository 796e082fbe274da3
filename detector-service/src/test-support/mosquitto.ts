/** A real mosquitto on a port of its own, which can be stopped and started again. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** For `skip`: false when mosquitto is there. In CI nothing is skipped, so that its absence fails. */
export function withoutMosquitto(): string | false {
  if (process.env.CI === 'true') return false;
  const found = spawnSync('mosquitto', ['-h'], { stdio: 'ignore' }).error === undefined;
  return found ? false : 'mosquitto is not installed';
}

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

  /** Starts the process, again if it was stopped: with what it had kept. */
  async run(): Promise<void> {
    const config = join(this.#directory, 'mosquitto.conf');
    const store = `persistence true\npersistence_location ${this.#directory}/\nuser root\n`;
    await writeFile(config, `listener ${this.port} 127.0.0.1\nallow_anonymous true\n${store}`);
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

/** Mosquitto does not tell which port it got for 0. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
