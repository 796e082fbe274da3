/** A server that says in its log when it is ready; it can be stopped and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export class ServerProcess {
  #child: ChildProcess | undefined;

  /** Of the running process. */
  get pid(): number {
    return this.#child?.pid as number;
  }

  /** Resolves when what it writes to `stream` says that it is ready; rejects when it ends instead. */
  async start(
    command: string,
    args: readonly string[],
    stream: 'stdout' | 'stderr',
    ready: RegExp,
  ): Promise<void> {
    const child = spawn(command, args, {
      stdio: stream === 'stdout' ? ['ignore', 'pipe', 'inherit'] : ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    let log = '';
    await new Promise<void>((resolve, reject) => {
      child[stream]?.on('data', (chunk) => {
        log += chunk;
        if (ready.test(log)) resolve();
      });
      child.on('error', reject);
      child.on('exit', (code) => reject(new Error(`${command} ended with ${code}: ${log}`)));
    });
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}
