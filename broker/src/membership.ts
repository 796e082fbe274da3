/** From the log-in to the end of a connection: who is there, with which rights, and what has to know of it. */
import { parseTopic } from '@slowbeat/device-sdk/protocol';
import type { Aedes, Client } from 'aedes';
import { numberAfter, saidGoodbye } from './aedes-seams.ts';
import { type Connection, type Connections, createConnection } from './connection.ts';
import type { Reason } from './counters.ts';
import type { Door } from './door.ts';
import { endReason } from './end-reason.ts';
import { NOBODY } from './identity.ts';
import { atInstant } from './instant-timer.ts';
import type { Ledger } from './ledger.ts';
import type { Arrival } from './listener.ts';
import type { OpenWills } from './open-wills.ts';
import type { Member, Roster } from './roster.ts';
import type { SessionRights } from './session-rights.ts';
import type { SessionStore } from './session-store.ts';
import { Takeovers } from './takeovers.ts';
import type { TokenBucket } from './token-bucket.ts';

export interface MembershipParts {
  readonly root: string;
  readonly roster: Roster;
  readonly connections: Connections;
  readonly door: Door;
  readonly ledger: Ledger;
  readonly store: SessionStore;
  readonly rights: SessionRights;
  readonly wills: OpenWills;
  readonly now: () => number;
}

export class Membership {
  readonly #parts: MembershipParts;
  readonly #takeovers: Takeovers;
  #reviews = 0;
  connectsTotal = 0;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    this.#takeovers = new Takeovers(parts.roster, parts.connections, parts.ledger);
  }

  get takeoversTotal(): number {
    return this.#takeovers.total;
  }

  /** A client that has said nothing yet. */
  arrived(client: Client, arrival: Arrival, rate: TokenBucket): Connection {
    const { connections, now } = this.#parts;
    const connection = createConnection(arrival, rate, now(), this.#reviews);
    connections.add(client, connection);
    return connection;
  }

  /** A client has logged in, and is not registered yet. */
  accepted(client: Client, { arrival, proof, subscriptions }: Connection): void {
    const { door, rights, store, now } = this.#parts;
    door.settled(arrival.socket);
    if (proof !== undefined && !client.clean) {
      const last = store.lastSentTo(client.id);
      if (last !== undefined) numberAfter(client, last);
      for (const { topic, qos } of rights.claim(client.id, proof.identity)) subscriptions.grant(topic, qos);
    }
    if (proof?.expiresAt !== undefined) {
      arrival.stream.once(
        'close',
        atInstant(proof.expiresAt, now, () => this.#end(client, 'login-expired')),
      );
    }
    this.#takeovers.note(client, arrival.address, now());
  }

  /** Users and keys may be others now: disconnects whoever is accepted no more, or has other rights. */
  async review(): Promise<void> {
    this.#reviews += 1;
    this.#parts.rights.review();
    for (const member of [...this.#parts.roster.members()]) await this.#recheck(member);
  }

  /** What the session of a client may keep: only what was granted, and no ping, which is worth nothing once it is past. */
  mayKeep(client: Client, filter: string): boolean {
    const { connections, root } = this.#parts;
    return (
      connections.of(client)?.subscriptions.has(filter) === true && parseTopic(root, filter)?.kind !== 'ping'
    );
  }

  listenTo(aedes: Aedes): void {
    const { connections, ledger } = this.#parts;
    aedes.on('client', (client) => this.#registered(client));
    aedes.on('clientReady', () => {
      this.connectsTotal += 1;
    });
    aedes.on('clientDisconnect', (client) => this.#left(client));
    const ended = (client: Client, error: Error): void => {
      const connection = connections.of(client);
      const reason = endReason(error);
      if (reason === undefined || connection?.accounted === true) return;
      if (connection !== undefined) connection.accounted = true;
      ledger.refuse(reason, connections.circumstances(client, { detail: error.message }));
    };
    aedes.on('clientError', ended);
    aedes.on('connectionError', ended);
  }

  #registered(client: Client): void {
    const { connections, roster, wills, store, now } = this.#parts;
    const connection = connections.of(client);
    if (connection === undefined) return;
    const member = roster.enter(client, connection, now());
    const willKept = wills.arrived(client.id, connection.will, connection.keepaliveS ?? 0);
    if (willKept !== undefined) holdBack(client, willKept);
    store.connected(client.id);
    // Its rights may be those of before a review that happened while it logged in.
    if (connection.reviews !== this.#reviews) void this.#recheck(member);
  }

  #left(client: Client): void {
    const { connections, roster, wills, store, now } = this.#parts;
    roster.leave(client);
    const will = connections.of(client)?.will;
    if (will !== undefined && saidGoodbye(client)) wills.settled(client.id, will);
    if (roster.of(client.id) === undefined) store.disconnected(client.id, now());
  }

  async #recheck({ client, connection }: Member): Promise<void> {
    const { proof } = connection;
    if (proof === undefined || (await proof.stillHolds()) || client.closed) return;
    this.#end(client, 'login-revoked', () => {
      // Its will is judged by what it may now: it speaks for no device that was taken from it.
      connection.proof = { ...proof, identity: this.#parts.rights.ownerOf(client.id) ?? NOBODY };
    });
  }

  #end(client: Client, reason: Reason, beforehand: () => void = () => {}): void {
    const { connections, ledger } = this.#parts;
    ledger.refuse(reason, connections.circumstances(client));
    beforehand();
    client.close();
  }
}

/**
 * Nothing is written to the client before: a CONNACK says that its will is in good hands. Where it could not be kept the
 * client is served nevertheless.
 */
function holdBack({ conn }: Client, until: Promise<void>): void {
  conn.cork();
  const goOn = (): void => conn.uncork();
  until.then(goOn, goOn);
}
