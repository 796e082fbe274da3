/**
 * The way of a message to those who listen.
 *
 * Aedes takes a message through a promise, a queue, two trees of topics, three copies and a turn of the event loop for each
 * subscriber, and writes it in six pieces. Here, what devices send is queued for lasting sessions and written to sockets,
 * all of a turn at once. Retained messages, QoS 2 and topics with many subscribers remain with Aedes.
 */
import type { Duplex } from 'node:stream';
import type { Client, PublishPacket } from 'aedes';
import { awaitDrain, type Distribute, nextMessageId } from './aedes-seams.ts';
import type { Audience, Listener } from './audience.ts';
import type { Recipient } from './kept-sessions.ts';
import { ownBytes } from './own-bytes.ts';
import { publishBytes } from './packet-bytes.ts';
import type { SessionStore } from './session-store.ts';
import type { StoredPacket } from './stored-packet.ts';
import type { Subscribers } from './subscribers.ts';

export interface DeliveryParts {
  readonly audience: Audience;
  readonly store: SessionStore;
  readonly subscribers: Subscribers;
  /** The broker's own number of one more message. */
  readonly nextNumber: () => number;
  readonly byAedes: Distribute;
}

/** Message ids that are tried before one is used a second time. */
const TRIES_MAX = 1_000;

type Message = Pick<PublishPacket, 'topic' | 'payload' | 'qos'>;
type Done = Parameters<Distribute>[1];

export class Delivery {
  readonly #parts: DeliveryParts;
  /** Written to since the turn began. */
  readonly #corked = new Set<Duplex>();
  /** Connections that have been given what stood in the queue of their session when they came. */
  readonly #caughtUp = new WeakSet<Client>();
  #waiting: Done[] = [];
  #isTurnOn = false;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  readonly distribute: Distribute = (packet, done) => {
    const { audience, store, byAedes } = this.#parts;
    const listeners = packet.retain || packet.qos === 2 ? undefined : audience.of(packet.topic);
    if (listeners === undefined) {
      byAedes(packet, done);
      return;
    }
    const sessions = packet.qos === 0 ? [] : store.subscribersOf(packet.topic);
    if (sessions.length > 0) this.#queue(packet, sessions, listeners, done);
    else if (listeners.length > 0) this.#give(packet, listeners, done);
    else done();
  };

  /** Those with a lasting session are given what stands in its queue, so that it is not lost with their connection. */
  #queue(
    packet: PublishPacket,
    sessions: readonly Recipient[],
    listeners: readonly Listener[],
    done: Done,
  ): void {
    const { store, nextNumber } = this.#parts;
    const number = nextNumber();
    const queued = new Set(sessions.map(({ clientId }) => clientId));
    // Who is still being given what was queued before gets this one in its turn.
    const here = listeners.filter(({ client }) => !queued.has(client.id) || this.#caughtUp.has(client));
    const { topic, qos } = packet;
    const payload = packet.payload as Buffer;
    const message: StoredPacket = {
      cmd: 'publish',
      topic,
      payload,
      qos,
      retain: false,
      dup: false,
      brokerCounter: number,
    };
    store.enqueue(sessions, message).then(() => {
      this.#give(packet, here, done, (client) => (queued.has(client.id) ? number : undefined));
    }, done);
  }

  /** The client was given what stood in its queue when it came; what has come since then follows, and is in order. */
  catchUp(client: Client): void {
    if (client.clean) return;
    for (const [number, packet] of this.#parts.store.unsentFor(client.id)) {
      this.#send(client, packet, 1, number);
    }
    this.#caughtUp.add(client);
  }

  /** `numberFor`: of the message in the queue of a client that has a session. */
  #give(
    packet: Message,
    listeners: readonly Listener[],
    done: Done,
    numberFor: (client: Client) => number | undefined = () => undefined,
  ): void {
    for (const { client, qos } of listeners) this.#send(client, packet, qos, numberFor(client));
    this.#waiting.push(done);
    this.#beginTurn();
  }

  /** `number`: of the message in the queue of the client. */
  #send(client: Client, packet: Message, qos: 0 | 1 | 2, number: number | undefined): void {
    const { subscribers, store } = this.#parts;
    if (!subscribers.mayBeGiven(client)) return;
    const messageId = packet.qos > 0 && qos > 0 ? this.#freeMessageId(client) : 0;
    if (number !== undefined && messageId > 0) store.sent(client.id, number, messageId);
    const bytes = publishBytes(packet, messageId);
    this.#write(client, subscribers.isLagging(client) ? ownBytes(bytes) : bytes);
  }

  /** One that nothing is in flight under, unless the client has not acknowledged thousands one after the other. */
  #freeMessageId(client: Client): number {
    let messageId = nextMessageId(client);
    for (let tries = 0; tries < TRIES_MAX && this.#parts.store.isInFlight(client.id, messageId); tries += 1) {
      messageId = nextMessageId(client);
    }
    return messageId;
  }

  #write(client: Client, bytes: Buffer): void {
    const conn = client.conn as Duplex;
    if (!this.#corked.has(conn)) {
      conn.cork();
      this.#corked.add(conn);
      this.#beginTurn();
    }
    if (!conn.write(bytes)) awaitDrain(client);
  }

  #beginTurn(): void {
    if (!this.#isTurnOn) setImmediate(this.#endTurn);
    this.#isTurnOn = true;
  }

  readonly #endTurn = (): void => {
    this.#isTurnOn = false;
    for (const conn of this.#corked) conn.uncork();
    this.#corked.clear();
    const settled = this.#waiting;
    this.#waiting = [];
    // Over TLS and WebSocket it leaves within the turn.
    setImmediate(() => {
      for (const done of settled) done();
    });
  };
}
