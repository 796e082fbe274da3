/**
 * Which sockets come in at all, and how long they may take to say who they are, whatever they speak on the way to
 * MQTT: TLS, HTTP, the header of a proxy.
 *
 * When every place is taken, the socket that has waited longest without logging in is closed for the new one: a crowd
 * of silent sockets cannot keep a device out.
 */
import type { BlockList, Socket } from 'node:net';
import { addressList, isListed, partyOf, plainAddress } from './address.ts';
import type { BrokerLimits } from './config.ts';
import type { Reason } from './counters.ts';
import type { Ledger } from './ledger.ts';
import { PacedParties } from './paced-parties.ts';

/** Ten thousand sockets that came together would hold up everybody else while they are closed. */
const CLOSED_AT_ONCE_MAX = 200;

export class Door {
  readonly #limits: BrokerLimits;
  readonly #ledger: Ledger;
  readonly #now: () => number;
  readonly #trusted: BlockList;
  readonly #inside = new Set<Socket>();
  /** Sockets that have not logged in yet, the oldest first. */
  readonly #waiting = new Set<Socket>();
  /** Sockets that have not said CONNECT yet and since when (monotonic), the oldest first. */
  readonly #silent = new Map<Socket, number>();
  readonly #perParty = new Map<string, number>();
  readonly #pace: PacedParties;
  #patience: NodeJS.Timeout | undefined;
  #admitted = 0;
  #isShut = false;

  constructor(limits: BrokerLimits, ledger: Ledger, now: () => number) {
    this.#limits = limits;
    this.#ledger = ledger;
    this.#now = now;
    this.#trusted = addressList(limits.trustedAddresses);
    const { connectionsPerAddressMax, connectionsPerSecondPerAddress } = limits;
    this.#pace = new PacedParties(connectionsPerSecondPerAddress, connectionsPerAddressMax);
  }

  get open(): number {
    return this.#inside.size;
  }

  get admittedTotal(): number {
    return this.#admitted;
  }

  /**
   * True when there is a place for the socket; otherwise it is destroyed already. Where the address is not known yet,
   * because a proxy will tell it, {@link Door.seat} follows.
   */
  admit(socket: Socket, address: string | undefined): boolean {
    if (this.#isShut) return this.#turnAway(socket, 'lease', plainAddress(socket.remoteAddress));
    if (address !== undefined && !this.seat(socket, address)) return false;
    if (this.#inside.size >= this.#limits.connectionsMax && !this.#evictOne()) {
      return this.#turnAway(socket, 'connections-max', plainAddress(socket.remoteAddress));
    }
    this.#admitted += 1;
    this.#inside.add(socket);
    this.#waiting.add(socket);
    this.#silent.set(socket, performance.now());
    this.#patience ??= this.#waitFor(this.#limits.connectTimeoutMs);
    socket.once('close', () => this.#leave(socket));
    return true;
  }

  /** True when one more socket may come from this address; otherwise it is destroyed already. */
  seat(socket: Socket, address: string): boolean {
    if (isListed(this.#trusted, address)) return true;
    const party = partyOf(address);
    const present = this.#perParty.get(party) ?? 0;
    if (present >= this.#limits.connectionsPerAddressMax) {
      return this.#turnAway(socket, 'connections-per-address-max', address);
    }
    if (!this.#pace.take(party, this.#now())) return this.#turnAway(socket, 'connection-rate', address);
    this.#perParty.set(party, present + 1);
    socket.once('close', () => {
      const left = (this.#perParty.get(party) ?? 1) - 1;
      if (left > 0) this.#perParty.set(party, left);
      else this.#perParty.delete(party);
    });
    return true;
  }

  /** The socket's client has said CONNECT: from here on the log-in has a deadline of its own. */
  spoke(socket: Socket): void {
    this.#silent.delete(socket);
  }

  /** The socket's client has logged in. */
  settled(socket: Socket): void {
    this.#waiting.delete(socket);
  }

  /** Nobody else comes in: the listeners are closed, and those that have not logged in yet are turned away. */
  close(): void {
    for (const socket of this.#waiting) socket.destroy();
  }

  /** Nobody is served: whoever is inside is thrown out, and whoever comes is turned away, until it is opened again. */
  shut(): void {
    this.#isShut = true;
    for (const socket of this.#inside) socket.destroy();
  }

  /** Undoes {@link Door.shut}. */
  reopen(): void {
    this.#isShut = false;
  }

  destroyAll(): void {
    clearTimeout(this.#patience);
    for (const socket of this.#inside) socket.destroy();
  }

  #turnAway(socket: Socket, reason: Reason, address: string): false {
    socket.on('error', () => {}); // a reset of a socket nobody serves is nobody's concern
    socket.destroy();
    this.#ledger.refuse(reason, { address });
    return false;
  }

  #evictOne(): boolean {
    const [oldest] = this.#waiting;
    if (oldest === undefined) return false;
    this.#leave(oldest);
    return !this.#turnAway(oldest, 'handshake-evicted', plainAddress(oldest.remoteAddress));
  }

  #leave(socket: Socket): void {
    this.#inside.delete(socket);
    this.#waiting.delete(socket);
    this.#silent.delete(socket);
  }

  /** One timer for all: the socket that has been silent longest is the first to be late. */
  #waitFor(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#closeLate(), delayMs).unref();
  }

  #closeLate(): void {
    this.#patience = undefined;
    const { connectTimeoutMs } = this.#limits;
    let closed = 0;
    for (const [socket, since] of this.#silent) {
      const leftMs = since + connectTimeoutMs - performance.now();
      if (leftMs > 0 || closed === CLOSED_AT_ONCE_MAX) {
        this.#patience = this.#waitFor(Math.max(0, Math.ceil(leftMs)));
        return;
      }
      closed += 1;
      this.#leave(socket);
      this.#turnAway(socket, 'connect-timeout', plainAddress(socket.remoteAddress));
    }
  }
}
