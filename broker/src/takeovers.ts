/** Connections that end because their client id comes again, and client ids that several clients share. */
import type { Client } from 'aedes';
import type { Connections } from './connection.ts';
import { Duplicates } from './duplicates.ts';
import type { Ledger } from './ledger.ts';
import type { Roster } from './roster.ts';

export class Takeovers {
  readonly #roster: Roster;
  readonly #connections: Connections;
  readonly #ledger: Ledger;
  readonly #duplicates = new Duplicates();
  total = 0;

  constructor(roster: Roster, connections: Connections, ledger: Ledger) {
    this.#roster = roster;
    this.#connections = connections;
    this.#ledger = ledger;
  }

  /** A client is let in, and not in the roster yet: counts it when another of its id is there. */
  note(client: Client, address: string, at: number): void {
    const before = this.#roster.of(client.id);
    if (before === undefined || before.client.closed) return;
    this.total += 1;
    const duplicate = this.#duplicates.note(client.id, [before.connection.arrival.address, address], at);
    if (duplicate === undefined) return;
    const { takeovers, withinMs, addresses } = duplicate;
    const detail = `${takeovers} takeovers in ${Math.round(withinMs / 1000)} s, from ${addresses.join(', ')}; give each client its own id`;
    this.#ledger.refuse('client-id-duplicate', this.#connections.circumstances(client, { detail }));
  }
}
