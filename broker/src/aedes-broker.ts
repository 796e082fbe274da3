/** Aedes behind a door, a log-in, access rules and an ingest, put together and taken apart again. */
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseTopic } from '@slowbeat/device-sdk/protocol';
import type { Aedes, Client } from 'aedes';
import type { Logger } from 'pino';
import { isLoopback, plainAddress } from './address.ts';
import { createAedes } from './aedes-hooks.ts';
import { type Distribute, guardPackets } from './aedes-seams.ts';
import type { Broker, TrustedMessage } from './broker.ts';
import type { BrokerConfig } from './config.ts';
import { type Connection, Connections, createConnection } from './connection.ts';
import type { BrokerCounters } from './counters.ts';
import type { Credentials } from './credentials.ts';
import { Door } from './door.ts';
import { Duplicates } from './duplicates.ts';
import { endReason } from './end-reason.ts';
import { BrokerError } from './errors.ts';
import { Ingest, type Tap } from './ingest.ts';
import { Ledger } from './ledger.ts';
import { listen } from './listener.ts';
import { Login } from './login.ts';
import { SessionStore } from './session-store.ts';
import { Traffic } from './traffic.ts';

export interface BrokerParts {
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly tap: Tap;
  readonly now: () => number;
  readonly credentials: Credentials | undefined;
}

const SESSION_SWEEP_MS = 60_000;

export class AedesBroker implements Broker {
  readonly #parts: BrokerParts;
  readonly #ledger: Ledger;
  readonly #door: Door;
  readonly #connections = new Connections();
  readonly #ingest: Ingest;
  readonly #traffic: Traffic;
  readonly #login: Login;
  readonly #store: SessionStore;
  readonly #duplicates = new Duplicates();
  readonly #aedes: Aedes;
  readonly #distribute: Distribute;
  readonly #server: Server;
  /** Clients logged in, by client id. */
  readonly #live = new Map<string, Client>();
  readonly #sweep: NodeJS.Timeout;
  #address = { host: '', port: 0 };
  #connectsTotal = 0;
  #takeoversTotal = 0;
  #closed: Promise<void> | undefined;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    const { config, now } = parts;
    const { limits } = config;
    const connections = this.#connections;
    this.#ledger = new Ledger(parts.logger, limits.logLinesPerMinuteMax);
    const ledger = this.#ledger;
    this.#door = new Door(limits, ledger);
    this.#ingest = new Ingest(parts.tap, limits);
    this.#store = new SessionStore(limits, {
      overflowed: (client) => ledger.refuse('queue-overflow', { client }),
      sessionsFull: (client) => ledger.refuse('sessions-max', connections.circumstances(client as Client)),
      retainedFull: (topic) => ledger.refuse('retained-max', { topic }),
      mayKeep: (client, topic) => this.#mayKeep(client as Client, topic),
    });
    const distribute: Distribute = (client, packet, done) => this.#distribute(client, packet, done);
    this.#traffic = new Traffic({ config, connections, ledger, ingest: this.#ingest, now, distribute });
    const accepted = (client: Client, connection: Connection): void => this.#accepted(client, connection);
    this.#login = new Login({ config, connections, ledger, now, credentials: parts.credentials, accepted });
    ({ aedes: this.#aedes, distribute: this.#distribute } = createAedes({
      limits,
      login: this.#login,
      traffic: this.#traffic,
      store: this.#store,
      onMistake: (error) => this.#mistake(error),
    }));
    this.#listenTo(this.#aedes);
    this.#server = createServer({ noDelay: true }, (socket) => this.#welcome(socket));
    this.#sweep = setInterval(() => this.#store.expire(now()), SESSION_SWEEP_MS).unref();
  }

  get address(): { readonly host: string; readonly port: number } {
    return this.#address;
  }

  async start(host: string): Promise<void> {
    const { config, logger } = this.#parts;
    await this.#aedes.listen();
    try {
      this.#address = await listen(this.#server, host, config.tcp.port);
    } catch (error) {
      await this.close();
      throw error;
    }
    // A socket that cannot be accepted (no descriptors left) is lost; the server goes on.
    this.#server.on('error', (error) => this.#ledger.refuse('connections-max', { detail: error.message }));
    if (config.access.mode === 'open') {
      const reach = isLoopback(host) ? 'on this machine' : 'WHO REACHES THIS ADDRESS';
      logger.warn({ ...this.#address }, `open mode: everybody ${reach} can speak for any device`);
    }
    logger.info({ ...this.#address, root: config.root, access: config.access.mode }, 'broker is listening');
  }

  publish({ topic, payload, qos, retain }: TrustedMessage): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(new BrokerError('closed', 'the broker is closed'));
    return new Promise((resolve, reject) => {
      // Its own bytes: delivery goes on after the caller has its buffer back.
      const packet = {
        cmd: 'publish',
        topic,
        payload: Buffer.from(payload),
        qos,
        retain,
        dup: false,
      } as const;
      this.#aedes.publish(packet, (error) => (error ? reject(error) : resolve()));
    });
  }

  counters(): BrokerCounters {
    return {
      connectionsOpen: this.#door.open,
      clientsConnected: this.#live.size,
      connectionsTotal: this.#door.admittedTotal,
      connectsTotal: this.#connectsTotal,
      takeoversTotal: this.#takeoversTotal,
      messagesTaken: this.#traffic.messagesTaken,
      willsTaken: this.#traffic.willsTaken,
      tapsPending: this.#ingest.pending,
      retainedMessages: this.#store.retainedCount,
      sessionsKept: this.#store.sessionCount,
      refused: this.#ledger.counts(),
    };
  }

  async reload(): Promise<void> {
    const { credentials, logger } = this.#parts;
    if (credentials === undefined) return;
    await credentials.reload();
    for (const client of this.#live.values()) {
      const identity = this.#connections.of(client)?.identity;
      if (identity === undefined || credentials.isCurrent(identity)) continue;
      this.#ledger.refuse('login-revoked', this.#connections.circumstances(client));
      client.close();
    }
    logger.info('credentials read again');
  }

  close(): Promise<void> {
    this.#closed ??= this.#shutDown();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #shutDown(): Promise<void> {
    const { closeTimeoutMs } = this.#parts.config.limits;
    let expire = (): void => {};
    const expired = new Promise<void>((resolve) => {
      expire = resolve;
    });
    const deadline = setTimeout(expire, closeTimeoutMs);
    this.#traffic.close();
    const serverClosed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.race([this.#traffic.whenIdle(), expired]);
    await nextTurn(); // lets the last PUBACKs leave
    await Promise.race([new Promise<void>((resolve) => this.#aedes.close(resolve)), expired]);
    this.#door.destroyAll();
    await Promise.race([serverClosed, expired]);
    clearTimeout(deadline);
    clearInterval(this.#sweep);
    this.#ledger[Symbol.dispose]();
  }

  #listenTo(aedes: Aedes): void {
    aedes.on('client', (client) => {
      this.#live.set(client.id, client);
      this.#store.connected(client.id);
    });
    aedes.on('clientReady', () => {
      this.#connectsTotal += 1;
    });
    aedes.on('clientDisconnect', (client) => {
      if (this.#live.get(client.id) === client) this.#live.delete(client.id);
      if (!this.#live.has(client.id)) this.#store.disconnected(client.id, this.#parts.now());
    });
    aedes.on('unsubscribe', (filters, client) => {
      for (const filter of filters) this.#connections.of(client)?.subscriptions.delete(filter);
    });
    const ended = (client: Client, error: Error): void => {
      const connection = this.#connections.of(client);
      const reason = endReason(error);
      if (reason === undefined || connection?.accounted === true) return;
      if (connection !== undefined) connection.accounted = true;
      this.#ledger.refuse(reason, this.#connections.circumstances(client, { detail: error.message }));
    };
    aedes.on('clientError', ended);
    aedes.on('connectionError', ended);
    (aedes as NodeJS.EventEmitter).on('error', (error) => this.#mistake(error));
  }

  #welcome(socket: Socket): void {
    if (!this.#door.admit(socket)) return;
    const { config, now } = this.#parts;
    const { messagesPerSecondMax, messageBurstMax } = config.limits;
    const address = plainAddress(socket.remoteAddress);
    const client = this.#aedes.handle(socket);
    this.#connections.add(client, createConnection(address, messagesPerSecondMax, messageBurstMax, now()));
    guardPackets(client, this.#traffic.judge);
  }

  #accepted(client: Client, connection: Connection): void {
    this.#door.settled(client.conn as Socket);
    const before = this.#live.get(client.id);
    if (before === undefined || before.closed) return;
    this.#takeoversTotal += 1;
    const addresses = [this.#connections.of(before)?.address ?? '', connection.address];
    const duplicate = this.#duplicates.note(client.id, addresses, this.#parts.now());
    if (duplicate === undefined) return;
    const { takeovers, withinMs } = duplicate;
    const detail = `${takeovers} takeovers in ${Math.round(withinMs / 1000)} s, from ${duplicate.addresses.join(', ')}; give each client its own id`;
    this.#ledger.refuse('client-id-duplicate', this.#connections.circumstances(client, { detail }));
  }

  /** Only what was granted; and no device's own ping, which is worth nothing once it is past. */
  #mayKeep(client: Client, filter: string): boolean {
    if (this.#connections.of(client)?.subscriptions.has(filter) !== true) return false;
    return parseTopic(this.#parts.config.root, filter)?.kind !== 'ping';
  }

  #mistake(error: unknown): void {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#ledger.refuse('internal', { detail });
  }
}
