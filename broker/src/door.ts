/**
 * Which sockets come in at all, before a byte of MQTT is read.
 *
 * When every place is taken, the socket that has waited longest without saying CONNECT is closed for the new
 * one: a crowd of silent sockets cannot keep a device out.
 */
import type { Socket } from 'node:net';
import { partyOf, plainAddress } from './address.ts';
import type { BrokerLimits } from './config.ts';
import type { Ledger } from './ledger.ts';

export class Door {
  readonly #limits: BrokerLimits;
  readonly #ledger: Ledger;
  readonly #trusted: ReadonlySet<string>;
  readonly #inside = new Set<Socket>();
  /** Sockets that have not logged in yet, the oldest first. */
  readonly #waiting = new Set<Socket>();
  readonly #perParty = new Map<string, number>();
  #admitted = 0;

  constructor(limits: BrokerLimits, ledger: Ledger) {
    this.#limits = limits;
    this.#ledger = ledger;
    this.#trusted = new Set(limits.trustedAddresses.map(plainAddress));
  }

  get open(): number {
    return this.#inside.size;
  }

  get admittedTotal(): number {
    return this.#admitted;
  }

  /** True when the socket may stay; otherwise it is destroyed already. */
  admit(socket: Socket): boolean {
    const address = plainAddress(socket.remoteAddress);
    const party = partyOf(address);
    if (
      !this.#trusted.has(address) &&
      (this.#perParty.get(party) ?? 0) >= this.#limits.connectionsPerAddressMax
    ) {
      return this.#turnAway(socket, 'connections-per-address-max', address);
    }
    if (this.#inside.size >= this.#limits.connectionsMax && !this.#evictOne()) {
      return this.#turnAway(socket, 'connections-max', address);
    }
    this.#admitted += 1;
    this.#inside.add(socket);
    this.#waiting.add(socket);
    this.#perParty.set(party, (this.#perParty.get(party) ?? 0) + 1);
    socket.once('close', () => this.#leave(socket, party));
    return true;
  }

  /** The socket's client has logged in. */
  settled(socket: Socket): void {
    this.#waiting.delete(socket);
  }

  destroyAll(): void {
    for (const socket of this.#inside) socket.destroy();
  }

  #turnAway(
    socket: Socket,
    reason: 'connections-max' | 'connections-per-address-max',
    address: string,
  ): false {
    socket.on('error', () => {}); // a reset of a socket nobody serves is nobody's concern
    socket.destroy();
    this.#ledger.refuse(reason, { address });
    return false;
  }

  #evictOne(): boolean {
    const [oldest] = this.#waiting;
    if (oldest === undefined) return false;
    this.#ledger.refuse('handshake-evicted', { address: plainAddress(oldest.remoteAddress) });
    this.#waiting.delete(oldest);
    this.#inside.delete(oldest);
    oldest.destroy();
    return true;
  }

  #leave(socket: Socket, party: string): void {
    this.#inside.delete(socket);
    this.#waiting.delete(socket);
    const left = (this.#perParty.get(party) ?? 1) - 1;
    if (left > 0) this.#perParty.set(party, left);
    else this.#perParty.delete(party);
  }
}
