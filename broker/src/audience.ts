/**
 * Whether anybody among the connected clients listens to a topic.
 *
 * Nearly all that devices say is for the detector in this process alone; looking for subscribers costs as much as the
 * rest of a message's way.
 */
import { topicMatches } from './topic-filter.ts';

/** Of more filters with wildcards each topic is taken to be heard: Aedes' tree finds out sooner. */
const WILDCARDS_MAX = 16;

export class Audience {
  /** Each counts once, however often it is said to begin or cease. */
  readonly #listeners = new Set<object>();
  /** How many listen, by filter. */
  readonly #literals = new Map<string, number>();
  readonly #wildcards = new Map<string, number>();

  began(filter: string, listener: object): void {
    if (this.#listeners.has(listener)) return;
    this.#listeners.add(listener);
    const filters = this.#kindOf(filter);
    filters.set(filter, (filters.get(filter) ?? 0) + 1);
  }

  ceased(filter: string, listener: object): void {
    if (!this.#listeners.delete(listener)) return;
    const filters = this.#kindOf(filter);
    const left = (filters.get(filter) ?? 1) - 1;
    if (left > 0) filters.set(filter, left);
    else filters.delete(filter);
  }

  /** False only when certainly nobody does. */
  hears(topic: string): boolean {
    if (this.#literals.has(topic) || this.#wildcards.size > WILDCARDS_MAX) return true;
    for (const filter of this.#wildcards.keys()) if (topicMatches(filter, topic)) return true;
    return false;
  }

  #kindOf(filter: string): Map<string, number> {
    return /[+#]/.test(filter) ? this.#wildcards : this.#literals;
  }
}
