/** A broker in a process of its own, to be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { within } from '@slowbeat/test-servers';
import type { BrokerOptions } from '../broker.ts';

export class KillableBroker implements AsyncDisposable {
  readonly port: number;
  /** Why it ended by itself. */
  failure: string | undefined;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#exited = once(child, 'exit');
    this.port = port;
    child.stdout?.on('data', (line) => {
      this.failure = String(line).trim();
    });
  }

  /** `fileBytesMax`: a file larger than this cannot be written, as on a full disk; a multiple of 512. */
  static async start(
    options: Omit<Partial<BrokerOptions>, 'logger' | 'tap' | 'now'> = {},
    { fileBytesMax }: { fileBytesMax?: number } = {},
  ): Promise<KillableBroker> {
    const script = join(import.meta.dirname, 'broker-process.js');
    const node = [process.execPath, script, JSON.stringify({ tcp: { port: 0 }, ...options })];
    const blocks = fileBytesMax === undefined ? 'unlimited' : fileBytesMax / 512;
    const limited = `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" "$@"`;
    const child = spawn('sh', ['-c', limited, ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await within(
      once(child.stdout as NodeJS.ReadableStream, 'data'),
      'the port of the broker',
    );
    return new KillableBroker(child, Number(String(line)));
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#child.kill(signal);
    await within(this.#exited, 'the broker to end');
  }

  /** Stops its process as it is, as the pause of a machine does, or lets it go on. */
  pause(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** Resolves with the exit code when it has ended by itself. */
  async ended(): Promise<number | null> {
    await within(this.#exited, 'the broker to end by itself');
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.end('SIGKILL');
  }
}
