/** The processes of a run: a broker under load and the generator, and what a broker uses as the kernel counts it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Mosquitto } from '@slowbeat/test-servers';
import type { Done, Order } from './generator.ts';
import type { Counted } from './target.ts';

export const TARGETS = ['slowbeat', 'aedes', 'mosquitto'] as const;
export type TargetName = (typeof TARGETS)[number];

const CLOCK_TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

async function ask<Answer>(child: ChildProcess, question: object): Promise<Answer> {
  const answered = once(child, 'message');
  const died = once(child, 'exit').then(([code]) => {
    throw new Error(`a process of the benchmark ended with ${code}`);
  });
  child.send(question);
  const [answer] = (await Promise.race([answered, died])) as [Answer];
  died.catch(() => {});
  return answer;
}

export abstract class Target implements AsyncDisposable {
  abstract readonly port: number;
  abstract readonly pid: number;
  abstract counted(): Promise<Counted>;
  abstract [Symbol.asyncDispose](): Promise<void>;

  static async start(name: TargetName): Promise<Target> {
    if (name === 'mosquitto') return new MosquittoTarget(await Mosquitto.start());
    const child = fork(fileOf('./target.js'), [name]);
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new NodeTarget(child, port);
  }

  /** Processor time used so far, of user and kernel. */
  get cpuMs(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS_PER_SECOND;
  }

  get rssBytes(): number {
    return Number(readFileSync(`/proc/${this.pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  }
}

class NodeTarget extends Target {
  readonly port: number;
  readonly pid: number;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, port: number) {
    super();
    this.#child = child;
    this.port = port;
    this.pid = child.pid as number;
  }

  counted(): Promise<Counted> {
    return ask<Counted>(this.#child, {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return ended(this.#child);
  }
}

/** Has no tap: what it took is what its subscriber saw. */
class MosquittoTarget extends Target {
  readonly #mosquitto: Mosquitto;

  constructor(mosquitto: Mosquitto) {
    super();
    this.#mosquitto = mosquitto;
  }

  get port(): number {
    return this.#mosquitto.port;
  }

  get pid(): number {
    return this.#mosquitto.pid;
  }

  counted(): Promise<Counted> {
    return Promise.resolve({ taken: 0, wills: 0, shed: 0, cutOff: 0 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#mosquitto[Symbol.asyncDispose]();
  }
}

export class Generator implements AsyncDisposable {
  readonly #child = fork(fileOf('./generator.js'));

  order(order: Order): Promise<Done> {
    return ask<Done>(this.#child, order);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return ended(this.#child);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
