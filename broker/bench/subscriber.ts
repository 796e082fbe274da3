/** One external subscriber to everything, and one good device whose beats are timed: both in the benchmark's own process. */
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { beatPacket, connectPacket, PacketCounter, subscribePacket, TYPE } from './wire.ts';

const WAIT_MS = 30_000;

/** Opens a connection and resolves when it is logged in. */
export async function client(port: number, id: string, onData: (chunk: Buffer) => void): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  const counter = new PacketCounter();
  socket.on('data', (chunk) => {
    counter.take(chunk);
    onData(chunk);
  });
  socket.write(connectPacket(id, false));
  await until(() => counter.counts[TYPE.connack] === 1);
  return socket;
}

export class Subscriber implements Disposable {
  readonly #counter = new PacketCounter();
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#counter.take(chunk));
  }

  static async start(port: number): Promise<Subscriber> {
    const subscriber = new Subscriber(await client(port, 'subscriber', () => {}));
    subscriber.#socket.write(subscribePacket('hb/v1/+/+/+', 0));
    await until(() => subscriber.#counter.counts[TYPE.suback] === 1);
    return subscriber;
  }

  get received(): number {
    return this.#counter.counts[TYPE.publish] as number;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** Sends a QoS 1 beat now and then; how long its acknowledgement takes is what a device feels. */
export class GoodDevice implements Disposable {
  readonly latenciesMs: number[] = [];
  readonly #socket: Socket;
  #sentAt: number | undefined;
  readonly #timer: NodeJS.Timeout;

  private constructor(socket: Socket, everyMs: number) {
    this.#socket = socket;
    const beat = beatPacket(999_999, 1);
    this.#timer = setInterval(() => {
      if (this.#sentAt !== undefined) return;
      this.#sentAt = performance.now();
      socket.write(beat);
    }, everyMs);
  }

  static async start(port: number, everyMs: number): Promise<GoodDevice> {
    const counter = new PacketCounter();
    const acknowledged = { by: (): void => {} };
    const socket = await client(port, 'd999999', (chunk) => {
      const before = counter.counts[TYPE.puback] as number;
      counter.take(chunk);
      if ((counter.counts[TYPE.puback] as number) > before) acknowledged.by();
    });
    const device = new GoodDevice(socket, everyMs);
    acknowledged.by = () => device.#acknowledged();
    return device;
  }

  /** Of the beat that is still waiting; 0 when none is. */
  get waitingMs(): number {
    return this.#sentAt === undefined ? 0 : performance.now() - this.#sentAt;
  }

  #acknowledged(): void {
    if (this.#sentAt !== undefined) this.latenciesMs.push(performance.now() - this.#sentAt);
    this.#sentAt = undefined;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#socket.destroy();
  }
}

export async function until(holds: () => boolean): Promise<void> {
  for (const deadline = performance.now() + WAIT_MS; !holds(); ) {
    if (performance.now() > deadline) throw new Error('the broker did not answer');
    await pause(5);
  }
}
