/** The real command in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const MAIN = new URL('../main.js', import.meta.url).pathname;
const DEADLINE_MS = 30_000;

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Surroundings {
  readonly cwd?: string;
  /** Nothing of the test's own environment comes through but PATH. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A command under way. */
export class RunningCommand implements AsyncDisposable {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  constructor(args: readonly string[], { cwd, env }: Surroundings = {}) {
    this.#child = spawn(process.execPath, [MAIN, ...args], {
      ...(cwd !== undefined && { cwd }),
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#closed = once(this.#child, 'close');
  }

  /** Resolves with the first match in stdout; rejects when the command ends without one. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    const found = (): RegExpExecArray | null => pattern.exec(this.stdout);
    const signal = AbortSignal.timeout(DEADLINE_MS);
    for (let match = found(); ; match = found()) {
      if (match !== null) return match;
      if (this.#child.exitCode !== null || signal.aborted) {
        throw new Error(`${pattern} was not printed:\n${this.stdout}\n${this.stderr}`);
      }
      await Promise.race([
        once(this.#child.stdout as NodeJS.ReadableStream & NodeJS.EventEmitter, 'data', { signal }),
        this.#closed,
      ]).catch(() => {});
    }
  }

  /** As `| head` does when it has enough. */
  closeStdout(): void {
    this.#child.stdout?.destroy();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async result(): Promise<Result> {
    const deadline = setTimeout(() => this.#child.kill('SIGKILL'), DEADLINE_MS);
    await this.#closed;
    clearTimeout(deadline);
    return { code: this.#child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL');
    await this.#closed;
  }
}

export function runCommand(args: readonly string[], surroundings?: Surroundings): Promise<Result> {
  return new RunningCommand(args, surroundings).result();
}
