/**
 * What the broker tells about itself below `$SYS/broker/`, under the names that mosquitto made usual (mosquitto(8),
 * "Broker status").
 *
 * The values are not kept anywhere: who subscribes is given them as they are, and every ten seconds those that have
 * changed are published.
 */
import { readFileSync } from 'node:fs';
import type { PublishPacket } from 'aedes';
import type { BrokerCounters } from './counters.ts';

/** Mosquitto's `sys_interval`. */
const INTERVAL_MS = 10_000;

export interface SysFacts {
  readonly uptimeMs: number;
  readonly clientsConnected: number;
  /** Clients with a kept session that are not connected. */
  readonly clientsAway: number;
  /** Packets of any kind. */
  readonly packetsReceived: number;
  readonly publishesReceived: number;
  /** Messages left out because there was no time or no room for them. */
  readonly publishesDropped: number;
  readonly retainedMessages: number;
}

export interface SysParts {
  readonly read: () => SysFacts;
  readonly publish: (topic: string, value: string) => void;
}

export function sysFacts(
  { clientsConnected, retainedMessages, refused }: BrokerCounters,
  { packetsReceived, publishesReceived }: Pick<SysFacts, 'packetsReceived' | 'publishesReceived'>,
  uptimeMs: number,
  clientsAway: number,
): SysFacts {
  return {
    uptimeMs,
    clientsConnected,
    clientsAway,
    packetsReceived,
    publishesReceived,
    publishesDropped: refused['overload-shed'] + refused['tap-shed'] + refused['queue-overflow'],
    retainedMessages,
  };
}

export class SysTopics implements Disposable {
  readonly #parts: SysParts;
  readonly #version: string;
  readonly #timer: NodeJS.Timeout;
  readonly #told = new Map<string, string>();
  #clientsMost = 0;

  constructor(parts: SysParts) {
    this.#parts = parts;
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    this.#version = `slowbeat version ${version}`;
    this.#timer = setInterval(() => this.tell(), INTERVAL_MS).unref();
  }

  /** A client has come: the number of clients may be the highest so far. */
  noteClients(connected: number): void {
    this.#clientsMost = Math.max(this.#clientsMost, connected);
  }

  /** Topics and their values as they are now. */
  values(): ReadonlyMap<string, string> {
    const facts = this.#parts.read();
    return new Map(
      Object.entries({
        version: this.#version,
        uptime: `${Math.floor(facts.uptimeMs / 1000)} seconds`,
        'clients/connected': facts.clientsConnected,
        'clients/disconnected': facts.clientsAway,
        'clients/total': facts.clientsConnected + facts.clientsAway,
        'clients/maximum': this.#clientsMost,
        'messages/received': facts.packetsReceived,
        'publish/messages/received': facts.publishesReceived,
        'publish/messages/dropped': facts.publishesDropped,
        'retained messages/count': facts.retainedMessages,
      }).map(([name, value]) => [`$SYS/broker/${name}`, String(value)]),
    );
  }

  /** Publishes what has changed since it was told last. */
  tell(): void {
    for (const [topic, value] of this.values()) {
      if (this.#told.get(topic) === value) continue;
      this.#told.set(topic, value);
      this.#parts.publish(topic, value);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Not retained: a value is made up anew for whoever subscribes later. */
export function sysPacket(topic: string, value: string): PublishPacket {
  return { cmd: 'publish', topic, payload: Buffer.from(value), qos: 0, retain: false, dup: false };
}
