/** The filters that a client was granted and has not given back, each with its quality of service. */
import type { StoredSubscription } from './session-records.ts';
import { topicMatches } from './topic-filter.ts';

type Qos = StoredSubscription['qos'];

export class GrantedFilters implements Iterable<string> {
  readonly #filters = new Map<string, Qos>();
  /** The quality that all of them have; undefined while they differ. */
  #common: Qos | undefined;

  get size(): number {
    return this.#filters.size;
  }

  /** True while the filters have one quality, so that it does not matter which of them match. */
  get areAlike(): boolean {
    return this.#common !== undefined;
  }

  has(filter: string): boolean {
    return this.#filters.has(filter);
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#filters.keys();
  }

  grant(filter: string, qos: Qos): void {
    this.#filters.set(filter, qos);
    this.#compare();
  }

  withdraw(filter: string): void {
    this.#filters.delete(filter);
    this.#compare();
  }

  /** The highest quality at which a message on this topic may be delivered (section 3.3.5). */
  qosFor(topic: string): Qos {
    if (this.#common !== undefined) return this.#common;
    let highest: Qos = 0;
    for (const [filter, qos] of this.#filters) {
      if (qos > highest && topicMatches(filter, topic)) highest = qos;
    }
    return highest;
  }

  #compare(): void {
    const [first, ...others] = new Set(this.#filters.values());
    this.#common = others.length === 0 ? first : undefined;
  }
}
