/**
 * The device's line to its broker: at most one connection at a time, every question to it answered in bounded
 * time, every end told once. It never reconnects; when to try again is the device's decision.
 */
import type { Clock, Timer } from './clock.ts';
import { DeviceError } from './errors.ts';
import type { Connection, ConnectRequest, OutgoingMessage, Transport } from './transport.ts';

/** How long a broker may take to close after DISCONNECT before the socket is cut; the will is already dropped. */
const GOODBYE_MS = 5_000;

export interface LinkEnd {
  /** Tells a connection that ended from one that never came about. */
  readonly wasUp: boolean;
  readonly livedMs: number;
  /** True when it ended by `close()` or `cut()`. */
  readonly asked: boolean;
  readonly error: Error | undefined;
}

export interface LinkEvents {
  up(): void;
  message(topic: string, payload: Uint8Array): void;
  down(end: LinkEnd): void;
}

export type LinkState = 'down' | 'opening' | 'up' | 'closing';

type Done = (error?: Error) => void;

export class Link {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #ackTimeoutMs: number;
  readonly #events: LinkEvents;
  #connection: Connection | undefined;
  #state: LinkState = 'down';
  #upAt: number | undefined;
  #asked = false;
  /** Bounds the present wait: for the broker to accept, or to close after our goodbye. */
  #patience: Timer | undefined;
  /** Why we gave the connection up, which says more than the end that follows from it. */
  #givenUp: DeviceError | undefined;
  readonly #unanswered = new Set<Done>();

  constructor(transport: Transport, clock: Clock, ackTimeoutMs: number, events: LinkEvents) {
    this.#transport = transport;
    this.#clock = clock;
    this.#ackTimeoutMs = ackTimeoutMs;
    this.#events = events;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** True when nothing sent still waits for its answer. */
  get idle(): boolean {
    return this.#unanswered.size === 0;
  }

  /** Only when down. */
  open(request: ConnectRequest): void {
    const { connectTimeoutMs } = request;
    this.#state = 'opening';
    this.#asked = false;
    this.#patience = this.#clock.setTimer(connectTimeoutMs, () =>
      this.#giveUp(`the broker did not accept the connection within ${connectTimeoutMs} ms`),
    );
    this.#connection = this.#transport.open(request, {
      opened: () => this.#opened(),
      message: (topic, payload) => {
        if (this.#state === 'up') this.#events.message(topic, payload);
      },
      closed: (error) => this.#closed(error),
    });
  }

  /** Only when up. `done` is called once, with an error when the connection ends or is given up before. */
  publish(message: OutgoingMessage, done: Done): void {
    this.#connection?.publish(message, this.#answerTo(`message to ${message.topic}`, done));
  }

  /** Only when up. */
  subscribe(topic: string, done: Done): void {
    this.#connection?.subscribe(topic, this.#answerTo(`subscription to ${topic}`, done));
  }

  /** Says goodbye, so that no will is published; ends in bounded time. */
  close(): void {
    if (this.#state !== 'up') {
      this.cut();
      return;
    }
    this.#state = 'closing';
    this.#asked = true;
    this.#patience = this.#clock.setTimer(GOODBYE_MS, () => this.cut());
    this.#connection?.end();
  }

  /** Cuts the line, as a power failure would. */
  cut(): void {
    this.#asked = true;
    this.#connection?.destroy();
  }

  #opened(): void {
    if (this.#state !== 'opening') return;
    this.#patience?.cancel();
    this.#state = 'up';
    this.#upAt = this.#clock.now();
    this.#events.up();
  }

  /** A broker that does not answer is as good as gone; half-open connections are how most of them go. */
  #answerTo(question: string, done: Done): Done {
    const timer = this.#clock.setTimer(this.#ackTimeoutMs, () =>
      this.#giveUp(`no answer to the ${question} within ${this.#ackTimeoutMs} ms`),
    );
    const answered: Done = (error) => {
      if (!this.#unanswered.delete(answered)) return;
      timer.cancel();
      done(error);
    };
    this.#unanswered.add(answered);
    return answered;
  }

  #giveUp(reason: string): void {
    this.#givenUp ??= new DeviceError('no-answer', reason);
    this.#connection?.destroy();
  }

  #closed(cause: Error | undefined): void {
    const error = this.#givenUp ?? cause;
    const livedMs = this.#upAt === undefined ? 0 : this.#clock.now() - this.#upAt;
    const end = { wasUp: this.#upAt !== undefined, livedMs, asked: this.#asked, error };
    this.#patience?.cancel();
    this.#givenUp = undefined;
    this.#upAt = undefined;
    this.#connection = undefined;
    this.#state = 'down';
    for (const answered of [...this.#unanswered]) answered(error ?? new Error('the connection ended'));
    this.#events.down(end);
  }
}
