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
  readonly #literals = new Map<string, Map<Client, Listener>>();
  readonly #wildcards = new Map<string, Map<Client, Listener>>();

  /** The client listens from now on; to begin again changes the QoS. */
  began(client: Client, filter: string, qos: 0 | 1 | 2): void {
    const filters = this.#kindOf(filter);
    let listeners = filters.get(filter);
    if (listeners === undefined) {
      listeners = new Map();
      filters.set(filter, listeners);
    }
    listeners.set(client, { client, qos });
  }

  /** Nothing happens when it does not listen. */
  ceased(client: Client, filter: string): void {
    const filters = this.#kindOf(filter);
    const listeners = filters.get(filter);
    if (listeners?.delete(client) && listeners.size === 0) filters.delete(filter);
  }

  /**
   * Each client once, with the highest QoS of its filters (MQTT 3.1.1, section 3.3.5); undefined when there are too many
   * filters to look through. The list does not change afterwards.
   */
  of(topic: string): readonly Listener[] | undefined {
    if (this.#wildcards.size > WILDCARDS_MAX) return undefined;
    const literal = this.#literals.get(topic);
    let found = literal === undefined ? NOBODY : [...literal.values()];
    for (const [filter, listeners] of this.#wildcards) {
      if (topicMatches(filter, topic)) found = united(found, [...listeners.values()]);
    }
    return found;
  }

  /** False only when certainly nobody does. */
  hears(topic: string): boolean {
    return this.of(topic)?.length !== 0;
  }

  #kindOf(filter: string): Map<string, Map<Client, Listener>> {
    return /[+#]/.test(filter) ? this.#wildcards : this.#literals;
  }
}

function united(some: readonly Listener[], more: readonly Listener[]): readonly Listener[] {
  if (some.length === 0) return more;
  const highest = new Map(some.map(({ client, qos }) => [client, qos]));
  for (const { client, qos } of more) {
    highest.set(client, Math.max(qos, highest.get(client) ?? 0) as 0 | 1 | 2);
  }
  return [...highest].map(([client, qos]) => ({ client, qos }));
}
