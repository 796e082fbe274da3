/**
 * A broker and the network to it, in memory, on a clock: sessions, wills, takeovers, subscriptions, and the ways
 * in which real networks fail. The transport contract holds it to what MQTT.js does with real brokers.
 */
import type { Clock } from '../clock.ts';
import type {
  Connection,
  ConnectionEvents,
  ConnectRequest,
  OutgoingMessage,
  Transport,
} from '../transport.ts';

export interface Delivered {
  readonly at: number;
  readonly clientId: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Published by the broker for a client that ended without goodbye. */
  readonly isWill: boolean;
}

type Done = (error?: Error) => void;

export class MemoryNetwork implements Transport {
  /** One way. */
  latencyMs = 1;
  /** What the broker answers to CONNECT, if it does not accept. */
  refusal: Error | undefined;
  /** False: nothing reaches anybody and nobody is told, as when a cable is pulled. */
  reachable = true;
  /** False: messages arrive, and their acknowledgements are held back. */
  acknowledges = true;
  readonly delivered: Delivered[] = [];
  readonly connectedAt: number[] = [];
  /** Called for everything delivered. */
  observe: (message: Delivered) => void = () => {};
  readonly #clock: Clock;
  readonly #sessions = new Map<string, MemoryConnection>();
  #latestArrivalAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  open(request: ConnectRequest, events: ConnectionEvents): Connection {
    this.connectedAt.push(this.#clock.now());
    const connection = new MemoryConnection(this, request, events);
    this.later(() => this.#answer(connection));
    return connection;
  }

  get clientIds(): string[] {
    return [...this.#sessions.keys()];
  }

  /** The broker ends every connection, as at its restart, and publishes the wills. */
  cutAll(): void {
    for (const connection of [...this.#sessions.values()]) connection.ended(new Error('reset by peer'), true);
  }

  /** To whoever has subscribed. */
  publish(topic: string, payload: Uint8Array): void {
    for (const connection of this.#sessions.values()) {
      if (connection.topics.has(topic)) this.later(() => connection.receive(topic, payload));
    }
  }

  /** On this side: not now, but at this instant. */
  soon(act: () => void): void {
    this.#clock.setTimer(0, act);
  }

  /** After the way to the other side, if there is one; in order, also when the way becomes shorter. */
  later(act: () => void): void {
    const now = this.#clock.now();
    this.#latestArrivalAt = Math.max(this.#latestArrivalAt, now + this.latencyMs);
    this.#clock.setTimer(this.#latestArrivalAt - now, () => {
      if (this.reachable) act();
    });
  }

  deliver(clientId: string, message: OutgoingMessage, isWill: boolean): void {
    const { topic, payload } = message;
    const delivered = { at: this.#clock.now(), clientId, topic, payload, isWill };
    this.delivered.push(delivered);
    this.observe(delivered);
  }

  /** At the broker: is this the client's connection? */
  holds(connection: MemoryConnection): boolean {
    return this.#sessions.get(connection.request.clientId) === connection;
  }

  /** At the broker: the client is gone. */
  forget(connection: MemoryConnection, withWill: boolean): void {
    const { clientId, will } = connection.request;
    if (!this.holds(connection)) return;
    this.#sessions.delete(clientId);
    if (withWill && will !== undefined) this.deliver(clientId, will, true);
  }

  #answer(connection: MemoryConnection): void {
    if (connection.isEnded) return;
    if (this.refusal !== undefined) {
      connection.ended(this.refusal, false);
      return;
    }
    const { clientId } = connection.request;
    this.#sessions.get(clientId)?.ended(new Error('session taken over'), true);
    this.#sessions.set(clientId, connection);
    this.later(() => connection.accepted());
  }
}

class MemoryConnection implements Connection {
  readonly request: ConnectRequest;
  readonly topics = new Set<string>();
  readonly #network: MemoryNetwork;
  readonly #events: ConnectionEvents;
  #state: 'opening' | 'open' | 'ending' | 'ended' = 'opening';

  constructor(network: MemoryNetwork, request: ConnectRequest, events: ConnectionEvents) {
    this.#network = network;
    this.request = request;
    this.#events = events;
  }

  get isEnded(): boolean {
    return this.#state === 'ended';
  }

  accepted(): void {
    if (this.#state !== 'opening') return;
    this.#state = 'open';
    this.#events.opened();
  }

  receive(topic: string, payload: Uint8Array): void {
    if (this.#state === 'open') this.#events.message(topic, payload);
  }

  publish(message: OutgoingMessage, done: Done): void {
    this.#exchange(message.qos === 1, done, () =>
      this.#network.deliver(this.request.clientId, message, false),
    );
  }

  subscribe(topic: string, done: Done): void {
    this.#exchange(true, done, () => this.topics.add(topic));
  }

  end(): void {
    if (this.#state === 'opening') this.destroy();
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#network.later(() => {
      this.#network.forget(this, false);
      this.#network.later(() => {
        if (this.#state === 'ended') return;
        this.#state = 'ended';
        this.#events.closed();
      });
    });
  }

  destroy(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    // The broker hears of it only if anything still reaches it; this side knows at once.
    this.#network.later(() => this.#network.forget(this, true));
    this.#network.soon(() => this.#events.closed());
  }

  /** From the broker's side. */
  ended(error: Error, withWill: boolean): void {
    this.#network.forget(this, withWill);
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#events.closed(error);
  }

  #exchange(answered: boolean, done: Done, arrive: () => void): void {
    if (this.#state !== 'open') {
      this.#network.soon(() => done(new Error('not connected')));
      return;
    }
    const finish = (): void => {
      if (this.#state === 'open') done();
    };
    this.#network.later(() => {
      // What was sent before a goodbye arrives before it.
      if (!this.#network.holds(this)) return;
      arrive();
      if (answered && this.#network.acknowledges) this.#network.later(finish);
    });
    if (!answered) this.#network.soon(finish);
  }
}
