/** Who is logged in: by client id, the one that came last goes last. */
import type { Client } from 'aedes';
import type { Connection } from './connection.ts';

export interface Member {
  /** The broker's own number of this log-in; a later log-in has a higher one. */
  readonly number: number;
  readonly client: Client;
  readonly connection: Connection;
  /** Epoch milliseconds. */
  readonly since: number;
}

export class Roster {
  readonly #members = new Map<string, Member>();
  #latest = 0;

  get size(): number {
    return this.#members.size;
  }

  /** Replaces an earlier log-in under the same client id. */
  enter(client: Client, connection: Connection, at: number): Member {
    this.#latest += 1;
    const member = { number: this.#latest, client, connection, since: at };
    this.#members.delete(client.id); // else it would keep the place of the earlier one
    this.#members.set(client.id, member);
    return member;
  }

  /** Nothing happens when another has come under its id meanwhile. */
  leave(client: Client): void {
    if (this.#members.get(client.id)?.client === client) this.#members.delete(client.id);
  }

  of(clientId: string): Member | undefined {
    return this.#members.get(clientId);
  }

  /** In the order of their numbers. Who comes or goes meanwhile may be missed, and nobody comes twice. */
  members(): IterableIterator<Member> {
    return this.#members.values();
  }
}
