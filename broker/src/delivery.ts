/** What goes out to subscribers: at which quality, and how long one that does not read is borne with. */
import type { Client, PublishPacket } from 'aedes';
import { permitQos, unsentBytes } from './aedes-seams.ts';
import type { BrokerLimits } from './config.ts';
import type { Connection, Connections } from './connection.ts';
import { Refusal } from './errors.ts';
import type { Ledger } from './ledger.ts';
import { ownBytes } from './own-bytes.ts';

export interface DeliveryParts {
  readonly limits: BrokerLimits;
  readonly connections: Connections;
  readonly ledger: Ledger;
}

/** What a subscriber may have unsent and not count as slow: more than the burst of a turn. */
const LAGGING_BYTES = 65_536;

/** How long a subscriber's send buffer may stay over its bound. */
const FULL_MS_MAX = 1_000;

export class Delivery {
  readonly #parts: DeliveryParts;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  /**
   * Aedes' `authorizeForward`, asked for every delivery: lowers it to the quality that was granted for its topic, and
   * cuts off a subscriber that does not read.
   */
  authorizeForward<Packet extends PublishPacket>(client: Client, packet: Packet): Packet | null {
    if (client.closed || client.conn.destroyed) return null;
    const connection = this.#parts.connections.of(client);
    if (connection === undefined) return packet;
    const unsent = unsentBytes(client);
    if (this.#isStuck(client, connection, unsent)) return null;
    const { subscriptions } = connection;
    const qos = lower(packet.qos, subscriptions.qosFor(packet.topic));
    if (!subscriptions.areAlike) permitQos(client, packet.topic, qos);
    if (qos === packet.qos && unsent < LAGGING_BYTES) return packet;
    // What waits may wait for long, and as a view would hold all that was read with it.
    const payload = unsent < LAGGING_BYTES ? packet.payload : ownBytes(packet.payload as Buffer);
    return { ...packet, qos, payload };
  }

  /**
   * True for a subscriber that has been too far behind for too long, and is cut off now. Over TLS and WebSocket nothing
   * leaves before the turn of the event loop ends, so that a burst alone says nothing yet.
   */
  #isStuck(client: Client, connection: Connection, unsent: number): boolean {
    const { limits, connections, ledger } = this.#parts;
    const { sendBufferBytesMax } = limits;
    if (unsent <= sendBufferBytesMax) {
      delete connection.fullSince;
      return false;
    }
    const now = performance.now();
    connection.fullSince ??= now;
    if (now - connection.fullSince < FULL_MS_MAX) return false;
    const refusal = new Refusal('slow-reader', `${sendBufferBytesMax} bytes unsent`);
    connection.accounted = true;
    ledger.refuse(refusal.reason, connections.circumstances(client, { detail: refusal.message }));
    client.conn.destroy(refusal);
    return true;
  }
}

function lower(one: 0 | 1 | 2, other: 0 | 1 | 2): 0 | 1 | 2 {
  return one < other ? one : other;
}
