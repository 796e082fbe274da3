/**
 * The network as the device's loop sees it. `mqtt-transport.ts` puts MQTT.js behind it; a simulated network and
 * a network with faults fit as well. One contract suite runs on all of them.
 */

export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
}

export interface ConnectRequest {
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** MQTT keepalive in seconds; 0 switches it off. */
  readonly keepaliveS: number;
  readonly connectTimeoutMs: number;
  /** Published by the broker when the connection ends without goodbye; none for a device that sleeps between beats. */
  readonly will?: OutgoingMessage | undefined;
}

/** Calls never come from inside `open`, `publish` or `subscribe` themselves, always later. */
export interface ConnectionEvents {
  /** The broker accepted. At most once. */
  opened(): void;
  message(topic: string, payload: Uint8Array): void;
  /** The connection is gone or never came about. Exactly once, and the last call. */
  closed(error?: Error): void;
}

/**
 * One connection, from the attempt to its end; never reconnects by itself and never queues.
 *
 * A `done` is called at most once; whatever has no answer when `closed` comes has failed.
 */
export interface Connection {
  /** `done` after the write for QoS 0, after PUBACK for QoS 1, or with the error. */
  publish(message: OutgoingMessage, done: (error?: Error) => void): void;
  subscribe(topic: string, done: (error?: Error) => void): void;
  /** Says DISCONNECT, so that the broker drops the will, then closes. */
  end(): void;
  /** Cuts the connection as a power failure would: the broker publishes the will. */
  destroy(): void;
}

export interface Transport {
  open(request: ConnectRequest, events: ConnectionEvents): Connection;
}
