/** A real mosquitto on a port of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { within } from './waiting.ts';

export class MosquittoBroker implements AsyncDisposable {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #directory: string;

  static async start(): Promise<MosquittoBroker> {
    const port = await freePort();
    const directory = await mkdtemp(join(tmpdir(), 'slowbeat-mosquitto-'));
    const config = join(directory, 'mosquitto.conf');
    await writeFile(config, `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n`);
    const child = spawn('mosquitto', ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    await within(running(child), 'mosquitto is running');
    return new MosquittoBroker(child, `mqtt://127.0.0.1:${port}`, directory);
  }

  constructor(child: ChildProcess, url: string, directory: string) {
    this.#process = child;
    this.url = url;
    this.#directory = directory;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
    await rm(this.#directory, { recursive: true });
  }
}

/** Mosquitto cannot tell which port it got for 0; nobody takes this one in the moment between. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function running(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr?.on('data', (chunk) => {
      log += chunk;
      if (/mosquitto version \S+ running/.test(log)) resolve();
    });
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`mosquitto ended with ${code}: ${log}`)));
  });
}
