/**
 * What the broker keeps between two connections of a client, in the form Aedes asks for: retained verdicts, and
 * the subscriptions and queues of clients that asked for a lasting session (a detector or dashboard elsewhere). With a
 * directory, both outlive the broker.
 *
 * Unlike Aedes' own memory store it has a bound on everything, forgets, drops the oldest message of a full queue
 * (the newest heartbeat is the one that counts), and takes constant time per message however long the queue.
 *
 * Aedes is given no stored wills. A will lives with its connection; keyed by client id alone, as Aedes would have it, a
 * stored one would be deleted by the end of the connection that a newer one replaced. What of them outlives the broker is
 * in `open-wills.ts`.
 */
import { Readable } from 'node:stream';
import type { BrokerLimits } from './config.ts';
import { Refusal } from './errors.ts';
import { KeptSessions, type Recipient } from './kept-sessions.ts';
import { RetainedMessages } from './retained-messages.ts';
import type { StoredSubscription } from './session-records.ts';
import type { Kept } from './storage.ts';
import { copyOf, type StoredPacket } from './stored-packet.ts';
import { topicMatches } from './topic-filter.ts';

interface ClientRef {
  readonly id: string;
}

export interface SessionStoreEvents {
  /** The oldest message of a full queue was dropped. */
  overflowed(clientId: string): void;
  /** There is no room for the session of one more client. */
  sessionsFull(client: ClientRef): void;
  /** A retained message on a new topic found no room. */
  retainedFull(topic: string): void;
  /** Topics below `$SYS/broker/` and their values as they are now. */
  sysValues(): Iterable<readonly [topic: string, value: string]>;
  /** Rejects when what is written nowhere must not be acknowledged. */
  mayPromise(): Promise<void>;
  /** Whether the session of this client may hold this subscription. */
  mayKeep(client: ClientRef, topic: string): boolean;
}

export class SessionStore {
  readonly #limits: BrokerLimits;
  readonly #events: SessionStoreEvents;
  readonly #retained: RetainedMessages;
  readonly #sessions: KeptSessions;
  /** QoS 2 messages of publishers between PUBLISH and PUBREL. */
  readonly #incoming = new Map<string, Map<number, StoredPacket>>();

  constructor(limits: BrokerLimits, events: SessionStoreEvents) {
    this.#limits = limits;
    this.#events = events;
    this.#retained = new RetainedMessages(limits.retainedMessagesMax, (topic) => events.retainedFull(topic));
    this.#sessions = new KeptSessions(limits.queuedMessagesMax, (clientId) => events.overflowed(clientId));
  }

  /** What outlives the broker where it has a storage, by the name of its place. */
  get kept(): Readonly<Record<string, Kept>> {
    return { 'retained.v1': this.#retained, 'sessions.v1': this.#sessions };
  }

  /** Clients whose connection ended with an earlier broker are away from now on. */
  begin(now: number): void {
    this.#sessions.begin(now);
  }

  get retainedCount(): number {
    return this.#retained.count;
  }

  get sessionCount(): number {
    return this.#sessions.count;
  }

  /** Sessions whose clients are not connected. */
  get awayCount(): number {
    return this.#sessions.awayCount;
  }

  /** Takes from the session of this client what it may not hear any more. */
  keepOnly(clientId: string, mayHear: (filter: string) => boolean): void {
    this.#sessions.keepOnly(clientId, mayHear);
  }

  /** Whose sessions are kept. */
  clientIds(): string[] {
    return this.#sessions.clientIds();
  }

  /** What the session of this client holds. */
  subscriptionsOf(clientId: string): StoredSubscription[] {
    return this.#sessions.subscriptionsOf(clientId);
  }

  /** The message id under which something went out last, of what waits for its acknowledgement. */
  lastSentTo(clientId: string): number | undefined {
    return this.#sessions.lastSentTo(clientId);
  }

  /** Messages that wait for this client, or for its acknowledgement. */
  queuedFor(clientId: string): number {
    return this.#sessions.queuedFor(clientId);
  }

  /** Aedes insists on a native async function. */
  async setup(): Promise<void> {}

  connected(clientId: string): void {
    this.#sessions.connected(clientId);
  }

  disconnected(clientId: string, at: number): void {
    this.#sessions.disconnected(clientId, at);
    if (!this.#sessions.has(clientId)) this.#incoming.delete(clientId);
  }

  /** Forgets the sessions whose clients have been away for too long. */
  expire(now: number): void {
    const forgotten = this.#sessions.forgetAwayBefore(now - this.#limits.sessionExpiryS * 1000);
    for (const clientId of forgotten) this.#incoming.delete(clientId);
  }

  async storeRetained(packet: StoredPacket): Promise<void> {
    await this.#retained.store(packet);
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(this.#matching(filters));
  }

  async *#matching(filters: readonly string[]): AsyncGenerator<StoredPacket> {
    yield* this.#retained.matching(filters);
    const ofTheBroker = filters.filter((filter) => filter.startsWith('$SYS/'));
    if (ofTheBroker.length === 0) return;
    for (const [topic, value] of this.#events.sysValues()) {
      if (!ofTheBroker.some((filter) => topicMatches(filter, topic))) continue;
      yield { cmd: 'publish', topic, payload: Buffer.from(value), qos: 0, retain: true, dup: false };
    }
  }

  /** Rejects with a Refusal when there is no room for another session. */
  async addSubscriptions(client: ClientRef, subscriptions: readonly StoredSubscription[]): Promise<void> {
    // Aedes hands over the whole packet, the filters it has just refused included.
    const kept = subscriptions.filter(({ topic }) => this.#events.mayKeep(client, topic));
    if (kept.length === 0) return;
    const { count } = this.#sessions;
    if (!this.#sessions.has(client.id) && count >= this.#limits.persistentSessionsMax) {
      this.#events.sessionsFull(client);
      throw new Refusal('sessions-max', `${count} sessions are kept already`);
    }
    await this.#sessions.subscribe(client.id, kept);
  }

  async removeSubscriptions(client: ClientRef, topics: readonly string[]): Promise<void> {
    await this.#sessions.unsubscribe(client.id, topics);
  }

  async subscriptionsByClient(client: ClientRef): Promise<StoredSubscription[]> {
    return this.#sessions.subscriptionsOf(client.id);
  }

  async subscriptionsByTopic(topic: string): Promise<{ clientId: string; topic: string; qos: 1 | 2 }[]> {
    return this.subscribersOf(topic);
  }

  /** True for a message that belongs into somebody's queue. */
  isKept({ topic, qos }: { readonly topic: string; readonly qos: 0 | 1 | 2 }): boolean {
    return qos > 0 && this.subscribersOf(topic).length > 0;
  }

  /** Whose queue a message of QoS 1 or 2 on this topic belongs into. */
  subscribersOf(topic: string): { clientId: string; topic: string; qos: 1 | 2 }[] {
    return this.#sessions.subscribersOf(topic);
  }

  async cleanSubscriptions(client: ClientRef): Promise<void> {
    this.#incoming.delete(client.id);
    await this.#sessions.forget(client.id);
  }

  async outgoingEnqueueCombi(subscriptions: readonly Recipient[], packet: StoredPacket): Promise<void> {
    await this.enqueue(subscriptions, packet);
  }

  /** Resolves when the message is kept for these clients; rejects when it is not. */
  enqueue(to: readonly Recipient[], packet: StoredPacket): Promise<void> {
    return this.#sessions.enqueue(to, packet);
  }

  /** A queued message of QoS 1, by its number, went out to its client under this message id. */
  sent(clientId: string, number: number, messageId: number): void {
    this.#sessions.sent(clientId, { cmd: 'publish', brokerCounter: number, messageId });
  }

  /** True when the client has not acknowledged what was sent to it under this message id. */
  isInFlight(clientId: string, messageId: number): boolean {
    return this.#sessions.isInFlight(clientId, messageId);
  }

  /** Messages of QoS 1 in the queue of this client that were not sent yet, by their number, the oldest first. */
  unsentFor(clientId: string): [number: number, packet: StoredPacket][] {
    return this.#sessions.unsentFor(clientId);
  }

  /** The client has what was sent to it under this message id. */
  acknowledged(clientId: string, messageId: number): void {
    this.#sessions.acknowledged(clientId, messageId);
  }

  async outgoingEnqueue(subscription: Recipient, packet: StoredPacket): Promise<void> {
    await this.enqueue([subscription], packet);
  }

  async outgoingUpdate(client: ClientRef, packet: StoredPacket): Promise<void> {
    this.#sessions.sent(client.id, packet);
  }

  async outgoingClearMessageId(client: ClientRef, packet: StoredPacket): Promise<StoredPacket | undefined> {
    return this.#sessions.acknowledged(client.id, packet.messageId);
  }

  /** Aedes pipes it; of a stream in place of an array each log-in would have to carry the weight. */
  outgoingStream(client: ClientRef): Iterable<StoredPacket> {
    return this.#sessions.queueOf(client.id);
  }

  async incomingStorePacket(client: ClientRef, packet: StoredPacket): Promise<void> {
    await this.#events.mayPromise();
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
}
