/** Real processes for tests: started on loopback, watched for what they print, ended by id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@slowbeat/test-servers';
import { ROOT } from './sources.ts';

const DEADLINE_MS = 30_000;
const SLOWBEAT = join(ROOT, 'deploy/standalone/dist/main.js');

/** A process under way. Nothing of the test's own environment reaches it but PATH. */
export class Running implements AsyncDisposable {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(command, args, {
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

  /** The first match in what it has printed; fails when it ends or a deadline passes without one. */
  async prints(pattern: RegExp, deadlineMs = DEADLINE_MS): Promise<RegExpExecArray> {
    const printed = () => pattern.exec(`${this.stdout}\n${this.stderr}`);
    await until(() => printed() !== null || this.ended, `${pattern} printed`, deadlineMs);
    const match = printed();
    if (match === null)
      throw new Error(`it ended without printing ${pattern}:\n${this.stdout}\n${this.stderr}`);
    return match;
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for the end; returns the exit code, null after a killing signal. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.#child.kill(signal);
    return this.closed();
  }

  /** Waits for the end; one that does not come in time is forced and fails. */
  async closed(deadlineMs = DEADLINE_MS): Promise<number | null> {
    const force = setTimeout(() => this.#child.kill('SIGKILL'), deadlineMs);
    await this.#closed;
    clearTimeout(force);
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.ended) this.#child.kill('SIGKILL');
    await this.#closed;
  }
}

export interface Monitor extends AsyncDisposable {
  readonly process: Running;
  /** `mqtt://…` of its broker. */
  readonly url: string;
  /** `http://…` without a path. */
  readonly http: string;
  /** The value of a metric, summed over its label sets that hold `labels`. */
  metric(name: string, labels?: string): Promise<number>;
}

/** `slowbeat` with these words, as a process. */
export function slowbeat(words: readonly string[], env?: Readonly<Record<string, string>>): Running {
  return new Running(process.execPath, [SLOWBEAT, ...words], env);
}

/** `slowbeat … --json` run to its end; fails unless it ends well. */
export async function slowbeatJson<T>(
  words: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<T> {
  await using command = slowbeat([...words, '--json'], env);
  const code = await command.closed();
  if (code !== 0) throw new Error(`slowbeat ${words.join(' ')} ended with ${code}: ${command.stderr}`);
  return JSON.parse(command.stdout) as T;
}

/** `slowbeat start` (or `detector`) on free ports, ready to listen. Settings are `--set` assignments. */
export async function startMonitor(
  settings: Readonly<Record<string, string | number>>,
  { command = ['start'], env }: { command?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<Monitor> {
  const defaults = { 'http.port': 0, ...(command[0] === 'start' && { 'broker.tcp.port': 0 }) };
  const assignments = Object.entries({ ...defaults, ...settings });
  const words = [...command, ...assignments.flatMap(([key, value]) => ['--set', `${key}=${value}`])];
  const process = slowbeat(words, env);
  try {
    const url = (await process.prints(/broker +(mqtt:\/\/\S+)/))[1] as string;
    const http = (await process.prints(/http +(http:\/\/[^/]+)/))[1] as string;
    const metric = async (name: string, labels = '') => {
      const text = await (await fetch(`${http}/metrics`)).text();
      return text
        .split('\n')
        .filter(
          (line) => line.startsWith(name) && /^[ {]/.test(line.slice(name.length)) && line.includes(labels),
        )
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    };
    return { process, url, http, metric, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
}

/** A directory that is gone afterwards. */
export async function scratch(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'slowbeat-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
