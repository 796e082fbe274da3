/**
 * What the broker keeps between two connections of a client, in the form Aedes asks for: retained verdicts, and
 * the subscriptions and queues of clients that asked for a lasting session (a detector or dashboard elsewhere).
 *
 * Unlike Aedes' own memory store it has a bound on everything, forgets, drops the oldest message of a full queue
 * (the newest heartbeat is the one that counts), and takes constant time per message however long the queue.
 *
 * It stores no wills. A will lives with its connection; a stored copy serves brokers that watch each other, and
 * keyed by client id alone it would be deleted by the end of the connection that a newer one replaced.
 */
import { Readable } from 'node:stream';
import type { BrokerLimits } from './config.ts';
import { Refusal } from './errors.ts';
import { topicMatches } from './topic-filter.ts';

interface StoredPacket {
  cmd: 'publish' | 'pubrel';
  topic: string;
  payload: Buffer;
  qos: 0 | 1 | 2;
  retain: boolean;
  dup: boolean;
  brokerId?: string;
  brokerCounter?: number;
  messageId?: number | undefined;
}

interface ClientRef {
  readonly id: string;
}

interface StoredSubscription {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
}

interface Session {
  readonly subscriptions: Map<string, StoredSubscription>;
  /** By the broker's own number of the message, the oldest first. */
  readonly queue: Map<number, StoredPacket>;
  /** Message id on the wire → number in the queue. */
  readonly inFlight: Map<number, number>;
  /** Epoch milliseconds; undefined while its client is connected. */
  awaySince: number | undefined;
}

export interface SessionStoreEvents {
  /** The oldest message of a full queue was dropped. */
  overflowed(clientId: string): void;
  /** There is no room for the session of one more client. */
  sessionsFull(client: ClientRef): void;
  /** A retained message on a new topic found no room. */
  retainedFull(topic: string): void;
  /** Whether the session of this client may hold this subscription. */
  mayKeep(client: ClientRef, topic: string): boolean;
}

export class SessionStore {
  readonly #limits: BrokerLimits;
  readonly #events: SessionStoreEvents;
  readonly #retained = new Map<string, StoredPacket>();
  readonly #sessions = new Map<string, Session>();
  /** QoS 2 messages of publishers between PUBLISH and PUBREL. */
  readonly #incoming = new Map<string, Map<number, StoredPacket>>();

  constructor(limits: BrokerLimits, events: SessionStoreEvents) {
    this.#limits = limits;
    this.#events = events;
  }

  get retainedCount(): number {
    return this.#retained.size;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Aedes insists on a native async function. */
  async setup(): Promise<void> {}

  connected(clientId: string): void {
    const session = this.#sessions.get(clientId);
    if (session !== undefined) session.awaySince = undefined;
  }

  disconnected(clientId: string, at: number): void {
    const session = this.#sessions.get(clientId);
    if (session !== undefined) session.awaySince = at;
    else this.#incoming.delete(clientId);
  }

  /** Forgets the sessions whose clients have been away for too long. */
  expire(now: number): void {
    for (const [clientId, { awaySince }] of this.#sessions) {
      if (awaySince !== undefined && now - awaySince > this.#limits.sessionExpiryS * 1000)
        this.#forget(clientId);
    }
  }

  async storeRetained(packet: StoredPacket): Promise<void> {
    if (packet.payload.length === 0) {
      this.#retained.delete(packet.topic);
    } else if (this.#retained.has(packet.topic) || this.#retained.size < this.#limits.retainedMessagesMax) {
      this.#retained.set(packet.topic, { ...copyOf(packet), retain: true });
    } else {
      this.#events.retainedFull(packet.topic);
    }
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(this.#retainedFor(filters));
  }

  *#retainedFor(filters: readonly string[]): Generator<StoredPacket> {
    for (const filter of filters) {
      if (!/[+#]/.test(filter)) {
        const packet = this.#retained.get(filter);
        if (packet !== undefined) yield packet;
        continue;
      }
      for (const packet of this.#retained.values()) {
        if (topicMatches(filter, packet.topic)) yield packet;
      }
    }
  }

  /** Rejects with a Refusal when there is no room for another session. */
  async addSubscriptions(client: ClientRef, subscriptions: readonly StoredSubscription[]): Promise<void> {
    // Aedes hands over the whole packet, the filters it has just refused included.
    const kept = subscriptions.filter(({ topic }) => this.#events.mayKeep(client, topic));
    if (kept.length === 0) return;
    let session = this.#sessions.get(client.id);
    if (session === undefined) {
      if (this.#sessions.size >= this.#limits.persistentSessionsMax) {
        this.#events.sessionsFull(client);
        throw new Refusal('sessions-max', `${this.#sessions.size} sessions are kept already`);
      }
      session = { subscriptions: new Map(), queue: new Map(), inFlight: new Map(), awaySince: undefined };
      this.#sessions.set(client.id, session);
    }
    for (const { topic, qos } of kept) session.subscriptions.set(topic, { topic, qos });
  }

  async removeSubscriptions(client: ClientRef, topics: readonly string[]): Promise<void> {
    const session = this.#sessions.get(client.id);
    if (session === undefined) return;
    for (const topic of topics) session.subscriptions.delete(topic);
    if (session.subscriptions.size === 0) this.#forget(client.id);
  }

  async subscriptionsByClient(client: ClientRef): Promise<StoredSubscription[]> {
    return [...(this.#sessions.get(client.id)?.subscriptions.values() ?? [])].map((sub) => ({ ...sub }));
  }

  /** Who is to find a message on this topic in the queue: each client once, with its highest QoS. */
  async subscriptionsByTopic(topic: string): Promise<{ clientId: string; topic: string; qos: 0 | 1 | 2 }[]> {
    const matching: { clientId: string; topic: string; qos: 0 | 1 | 2 }[] = [];
    for (const [clientId, { subscriptions }] of this.#sessions) {
      let highest: 0 | 1 | 2 = 0;
      for (const { topic: filter, qos } of subscriptions.values()) {
        if (qos > highest && topicMatches(filter, topic)) highest = qos;
      }
      if (highest > 0) matching.push({ clientId, topic, qos: highest });
    }
    return matching;
  }

  async cleanSubscriptions(client: ClientRef): Promise<void> {
    this.#forget(client.id);
  }

  async outgoingEnqueueCombi(
    subscriptions: readonly { clientId: string; qos: 0 | 1 | 2 }[],
    packet: StoredPacket,
  ): Promise<void> {
    for (const subscription of subscriptions) this.#enqueue(subscription, packet);
  }

  async outgoingEnqueue(
    subscription: { clientId: string; qos?: 0 | 1 | 2 },
    packet: StoredPacket,
  ): Promise<void> {
    this.#enqueue(subscription, packet);
  }

  #enqueue({ clientId, qos }: { clientId: string; qos?: 0 | 1 | 2 }, packet: StoredPacket): void {
    const session = this.#sessions.get(clientId);
    if (session === undefined || packet.brokerCounter === undefined) return;
    const { queue, inFlight } = session;
    if (queue.size >= this.#limits.queuedMessagesMax) {
      const [oldest] = queue;
      if (oldest !== undefined) {
        queue.delete(oldest[0]);
        if (oldest[1].messageId !== undefined) inFlight.delete(oldest[1].messageId);
        this.#events.overflowed(clientId);
      }
    }
    const granted = Math.min(packet.qos, qos ?? packet.qos) as 1 | 2;
    queue.set(packet.brokerCounter, { ...copyOf(packet), qos: granted, retain: false });
  }

  /** Notes under which message id a queued message went out, or that its PUBREL replaces it (QoS 2). */
  async outgoingUpdate(client: ClientRef, packet: StoredPacket): Promise<void> {
    const session = this.#sessions.get(client.id);
    if (session === undefined || packet.messageId === undefined) return;
    const { queue, inFlight } = session;
    const number = packet.brokerCounter ?? inFlight.get(packet.messageId);
    const queued = number === undefined ? undefined : queue.get(number);
    if (number === undefined || queued === undefined) return; // dropped meanwhile to make room
    if (packet.cmd === 'pubrel') {
      queue.set(number, { ...queued, cmd: 'pubrel', messageId: packet.messageId });
    } else {
      if (queued.messageId !== undefined) inFlight.delete(queued.messageId);
      queued.messageId = packet.messageId;
      inFlight.set(packet.messageId, number);
    }
  }

  async outgoingClearMessageId(client: ClientRef, packet: StoredPacket): Promise<StoredPacket | undefined> {
    const session = this.#sessions.get(client.id);
    if (session === undefined || packet.messageId === undefined) return undefined;
    const number = session.inFlight.get(packet.messageId);
    if (number === undefined) return undefined;
    const cleared = session.queue.get(number);
    session.inFlight.delete(packet.messageId);
    session.queue.delete(number);
    return cleared;
  }

  outgoingStream(client: ClientRef): Readable {
    return Readable.from([...(this.#sessions.get(client.id)?.queue.values() ?? [])]);
  }

  async incomingStorePacket(client: ClientRef, packet: StoredPacket): Promise<void> {
    let store = this.#incoming.get(client.id);
    if (store === undefined) {
      store = new Map();
      this.#incoming.set(client.id, store);
    }
    if (packet.messageId !== undefined) store.set(packet.messageId, copyOf(packet));
  }

  async incomingGetPacket(client: ClientRef, packet: StoredPacket): Promise<StoredPacket> {
    const stored = this.#incoming.get(client.id)?.get(packet.messageId ?? -1);
    if (stored === undefined) throw new Error('no such packet');
    return stored;
  }

  async incomingDelPacket(client: ClientRef, packet: StoredPacket): Promise<void> {
    const store = this.#incoming.get(client.id);
    if (!store?.delete(packet.messageId ?? -1)) throw new Error('no such packet');
    if (store.size === 0) this.#incoming.delete(client.id);
  }

  async cleanIncoming(client: ClientRef): Promise<void> {
    this.#incoming.delete(client.id);
  }

  async putWill(): Promise<void> {}

  async getWill(): Promise<undefined> {}

  async delWill(): Promise<undefined> {}

  streamWill(): Readable {
    return Readable.from([]);
  }

  #forget(clientId: string): void {
    this.#sessions.delete(clientId);
    this.#incoming.delete(clientId);
  }
}

/** Its own bytes: a payload from the wire is a view that would keep the whole network buffer alive. */
function copyOf(packet: StoredPacket): StoredPacket {
  const { cmd, topic, qos, retain, brokerId, brokerCounter, messageId } = packet;
  return {
    cmd,
    topic,
    payload: Buffer.from(packet.payload),
    qos,
    retain,
    dup: false,
    ...(brokerId === undefined ? {} : { brokerId }),
    ...(brokerCounter === undefined ? {} : { brokerCounter }),
    messageId,
  };
}
