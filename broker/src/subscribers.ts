/** What clients that are in may hear, and how long they may leave it unread. */
import type { Client, PublishPacket, Subscription } from 'aedes';
import { type AccessRules, decide } from './access.ts';
import { permitQos, unsentBytes } from './aedes-seams.ts';
import type { Audience } from './audience.ts';
import type { BrokerLimits } from './config.ts';
import type { Connection, Connections } from './connection.ts';
import { Refusal } from './errors.ts';
import { NOBODY } from './identity.ts';
import type { Ledger } from './ledger.ts';
import { ownBytes } from './own-bytes.ts';
import type { SessionStore } from './session-store.ts';

export interface SubscribersParts {
  readonly limits: BrokerLimits;
  readonly rules: AccessRules;
  readonly connections: Connections;
  readonly ledger: Ledger;
  readonly audience: Audience;
  readonly store: SessionStore;
}

/** What a subscriber may have unsent and not count as slow: more than the burst of a turn. */
const LAGGING_BYTES = 65_536;

/** How long a subscriber's send buffer may stay over its bound. */
const FULL_MS_MAX = 1_000;

export class Subscribers {
  readonly #parts: SubscribersParts;

  constructor(parts: SubscribersParts) {
    this.#parts = parts;
  }

  /** Aedes' `authorizeSubscribe`: a filter that is refused is answered with SUBACK 128. */
  authorizeSubscribe(
    client: Client,
    subscription: Subscription,
    answer: (error: Error | null, granted: Subscription | null) => void,
  ): void {
    const { limits, rules, connections, ledger } = this.#parts;
    const connection = connections.of(client);
    const { topic } = subscription;
    const refuse = (
      reason: 'topic-too-long' | 'subscribe-refused' | 'subscriptions-max',
      detail: string,
    ): void => {
      ledger.refuse(reason, connections.circumstances(client, { detail, topic }));
      answer(null, null);
    };
    if (topic.length > limits.topicLengthMax) {
      refuse('topic-too-long', `${topic.length} characters; at most ${limits.topicLengthMax}`);
      return;
    }
    if (connection === undefined) {
      refuse('subscribe-refused', 'a client from nowhere');
      return;
    }
    const verdict = decide(connection.proof?.identity ?? NOBODY, 'subscribe', topic, rules);
    if (!verdict.allowed) {
      refuse('subscribe-refused', verdict.reason);
      return;
    }
    const granted = connection.subscriptions;
    if (!granted.has(topic) && granted.size >= limits.subscriptionsPerClientMax) {
      refuse('subscriptions-max', `at most ${limits.subscriptionsPerClientMax}`);
      return;
    }
    granted.grant(topic, subscription.qos);
    this.#listens(client, connection, topic, subscription.qos);
    answer(null, subscription);
  }

  #listens(client: Client, connection: Connection, filter: string, qos: 0 | 1 | 2): void {
    const { audience } = this.#parts;
    const { stream } = connection.arrival;
    if (stream.destroyed) return;
    audience.began(client, filter, qos);
    if (connection.isListening) return;
    connection.isListening = true;
    stream.once('close', () => {
      for (const heard of connection.subscriptions) audience.ceased(client, heard);
    });
  }

  /** The client has given up these filters. */
  left(client: Client, filters: readonly string[]): void {
    const subscriptions = this.#parts.connections.of(client)?.subscriptions;
    for (const filter of filters) {
      subscriptions?.withdraw(filter);
      this.#parts.audience.ceased(client, filter);
    }
  }

  /**
   * Aedes' `authorizeForward`, asked for what Aedes delivers: lowers it to the quality that was granted for its topic, and
   * cuts off a subscriber that does not read.
   */
  authorizeForward<Packet extends PublishPacket>(client: Client, packet: Packet): Packet | null {
    if (!this.mayBeGiven(client)) return null;
    const granted = this.#parts.connections.of(client)?.subscriptions;
    const qos = granted === undefined ? packet.qos : lower(packet.qos, granted.qosFor(packet.topic));
    if (granted?.areAlike === false) permitQos(client, packet.topic, qos);
    const isLagging = this.isLagging(client);
    if (qos === packet.qos && !isLagging) return packet;
    return { ...packet, qos, payload: isLagging ? ownBytes(packet.payload as Buffer) : packet.payload };
  }

  /** False for a client that is gone, or is cut off now because it does not read. */
  readonly mayBeGiven = (client: Client): boolean => {
    return !client.closed && !client.conn.destroyed && !this.#isStuck(client);
  };

  /** True when what is written to this client may wait for long: it should not keep anything else in memory. */
  readonly isLagging = (client: Client): boolean => unsentBytes(client) >= LAGGING_BYTES;

  /** The client has what was sent to it under this message id, with QoS 1. */
  readonly acknowledged = (client: Client, messageId: number): void => {
    if (!client.clean) this.#parts.store.acknowledged(client.id, messageId);
  };

  /**
   * True for a subscriber that has been too far behind for too long, and is cut off now. Over TLS and WebSocket nothing
   * leaves before the turn of the event loop ends, so that a burst alone says nothing yet.
   */
  #isStuck(client: Client): boolean {
    const { limits, connections, ledger } = this.#parts;
    const { sendBufferBytesMax } = limits;
    const connection = connections.of(client);
    if (connection === undefined || unsentBytes(client) <= sendBufferBytesMax) {
      if (connection !== undefined) delete connection.fullSince;
      return false;
    }
    const now = performance.now();
    connection.fullSince ??= now;
    if (now - connection.fullSince < FULL_MS_MAX) return false;
    const detail = `${sendBufferBytesMax} bytes unsent`;
    connection.accounted = true;
    ledger.refuse('slow-reader', connections.circumstances(client, { detail }));
    client.conn.destroy(new Refusal('slow-reader', detail));
    return true;
  }
}

function lower(one: 0 | 1 | 2, other: 0 | 1 | 2): 0 | 1 | 2 {
  return one < other ? one : other;
}
