/** What clients that are in may hear, and how long they may leave it unread. */
import type { Client, PublishPacket, Subscription } from 'aedes';
import { type AccessRules, decide } from './access.ts';
import { unsentBytes } from './aedes-seams.ts';
import type { BrokerLimits } from './config.ts';
import type { Connections } from './connection.ts';
import { Refusal } from './errors.ts';
import { NOBODY } from './identity.ts';
import type { Ledger } from './ledger.ts';
import { ownBytes } from './own-bytes.ts';

export interface SubscribersParts {
  readonly limits: BrokerLimits;
  readonly rules: AccessRules;
  readonly connections: Connections;
  readonly ledger: Ledger;
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
    const verdict = decide(connection?.proof?.identity ?? NOBODY, 'subscribe', topic, rules);
    if (!verdict.allowed) {
      refuse('subscribe-refused', verdict.reason);
      return;
    }
    const granted = connection?.subscriptions;
    if (granted?.has(topic) === false) {
      if (granted.size >= limits.subscriptionsPerClientMax) {
        refuse('subscriptions-max', `at most ${limits.subscriptionsPerClientMax}`);
        return;
      }
      granted.add(topic);
    }
    answer(null, subscription);
  }

  /**
   * Aedes' `authorizeForward`, asked for every delivery: cuts off a subscriber that does not read. Over TLS and
   * WebSocket nothing leaves before the turn of the event loop ends, so that a burst alone says nothing yet.
   */
  authorizeForward<Packet extends PublishPacket>(client: Client, packet: Packet): Packet | null {
    if (client.closed || client.conn.destroyed) return null;
    if (this.#isStuck(client)) return null;
    if (unsentBytes(client) < LAGGING_BYTES) return packet;
    // What waits may wait for long, and as a view would hold all that was read with it.
    return { ...packet, payload: ownBytes(packet.payload as Buffer) };
  }

  /** True for a subscriber that has been too far behind for too long, and is cut off now. */
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
