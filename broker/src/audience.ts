/** Which connected clients listen to a topic. */
import type { Client } from 'aedes';
import { topicMatches } from './topic-filter.ts';

export interface Listener {
  readonly client: Client;
  /** The highest it asked for. */
  readonly qos: 0 | 1 | 2;
}

/** More filters with wildcards are not looked through one by one: Aedes has a tree for that. */
const WILDCARDS_MAX = 16;

const NOBODY: readonly Listener[] = [];

export class Audience {
  /** By filter. */
  readonly #literals = new Map<string, readonly Listener[]>();
  readonly #wildcards = new Map<string, readonly Listener[]>();

  /** The client listens from now on; to begin again changes the QoS. */
  began(client: Client, filter: string, qos: 0 | 1 | 2): void {
    const listeners = this.#kindOf(filter);
    listeners.set(filter, [...others(listeners.get(filter), client), { client, qos }]);
  }

  /** Nothing happens when it does not listen. */
  ceased(client: Client, filter: string): void {
    const listeners = this.#kindOf(filter);
    const left = others(listeners.get(filter), client);
    if (left.length > 0) listeners.set(filter, left);
    else listeners.delete(filter);
  }

  /**
   * Each client once, with the highest QoS of its filters (MQTT 3.1.1, section 3.3.5); undefined when there are too many
   * filters to look through. The list does not change afterwards.
   */
  of(topic: string): readonly Listener[] | undefined {
    if (this.#wildcards.size > WILDCARDS_MAX) return undefined;
    let found = this.#literals.get(topic) ?? NOBODY;
    for (const [filter, listeners] of this.#wildcards) {
      if (topicMatches(filter, topic)) found = found === NOBODY ? listeners : united(found, listeners);
    }
    return found;
  }

  /** False only when certainly nobody does. */
  hears(topic: string): boolean {
    return this.of(topic) !== NOBODY;
  }

  #kindOf(filter: string): Map<string, readonly Listener[]> {
    return /[+#]/.test(filter) ? this.#wildcards : this.#literals;
  }
}

function others(listeners: readonly Listener[] | undefined, client: Client): readonly Listener[] {
  return listeners?.filter((one) => one.client !== client) ?? NOBODY;
}

function united(some: readonly Listener[], more: readonly Listener[]): readonly Listener[] {
  const highest = new Map(some.map(({ client, qos }) => [client, qos]));
  for (const { client, qos } of more) {
    highest.set(client, Math.max(qos, highest.get(client) ?? 0) as 0 | 1 | 2);
  }
  return [...highest].map(([client, qos]) => ({ client, qos }));
}
