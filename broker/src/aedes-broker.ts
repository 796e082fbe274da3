/** Aedes behind a door, a log-in, access rules and an ingest, put together and taken apart again. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseTopic } from '@slowbeat/device-sdk/protocol';
import type { Aedes, Client } from 'aedes';
import type { Logger } from 'pino';
import { isLoopback } from './address.ts';
import { createAedes } from './aedes-hooks.ts';
import type { Distribute } from './aedes-seams.ts';
import type { Broker, TrustedMessage } from './broker.ts';
import { type BrokerConfig, wantedListeners } from './config.ts';
import { type Connection, Connections, createConnection } from './connection.ts';
import type { BrokerCounters, Reason } from './counters.ts';
import { Door } from './door.ts';
import { Duplicates } from './duplicates.ts';
import { endReason } from './end-reason.ts';
import { BrokerError } from './errors.ts';
import type { Identification } from './identification.ts';
import { Ingest, type Tap } from './ingest.ts';
import { atInstant } from './instant-timer.ts';
import { Ledger } from './ledger.ts';
import type { Arrival, Endpoint } from './listener.ts';
import { Listeners } from './listeners.ts';
import { Login } from './login.ts';
import { PacketReader } from './packet-reader.ts';
import { SessionStore } from './session-store.ts';
import { type SysFacts, SysTopics, sysPacket } from './sys-topics.ts';
import { Traffic } from './traffic.ts';
import { Turnstile } from './turnstile.ts';

export interface BrokerParts {
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly tap: Tap;
  readonly now: () => number;
  readonly identification: Identification;
  /** Keeps retained verdicts and lasting sessions; without it they live in memory. */
  readonly directory: string | undefined;
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
  readonly #turnstile = new Turnstile();
  readonly #duplicates = new Duplicates();
  readonly #aedes: Aedes;
  readonly #distribute: Distribute;
  readonly #listeners: Listeners;
  /** Clients logged in, by client id. */
  readonly #live = new Map<string, Client>();
  readonly #sys: SysTopics;
  readonly #startedAt: number;
  readonly #sweep: NodeJS.Timeout;
  #endpoints: readonly Endpoint[] = [];
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
    this.#door = new Door(limits, ledger, now);
    this.#ingest = new Ingest(parts.tap, limits);
    this.#store = new SessionStore(limits, {
      overflowed: (client) => ledger.refuse('queue-overflow', { client }),
      sessionsFull: (client) => ledger.refuse('sessions-max', connections.circumstances(client as Client)),
      retainedFull: (topic) => ledger.refuse('retained-max', { topic }),
      sysValues: () => this.#sys.values(),
      fileTrouble: (detail) => ledger.refuse('store', { detail }),
      mayKeep: (client, topic) => this.#mayKeep(client as Client, topic),
    });
    const distribute: Distribute = (client, packet, done) => this.#distribute(client, packet, done);
    this.#traffic = new Traffic({ config, connections, ledger, ingest: this.#ingest, now, distribute });
    const accepted = (client: Client, connection: Connection): void => this.#accepted(client, connection);
    const spoke = ({ arrival }: Connection): void => this.#door.spoke(arrival.socket);
    const { identification } = parts;
    this.#login = new Login({ config, connections, ledger, identification, spoke, accepted });
    ({ aedes: this.#aedes, distribute: this.#distribute } = createAedes({
      limits,
      login: this.#login,
      traffic: this.#traffic,
      store: this.#store,
      onMistake: (error) => this.#mistake(error),
    }));
    this.#listenTo(this.#aedes);
    this.#listeners = new Listeners({
      wanted: wantedListeners(config),
      access: config.access,
      limits,
      door: this.#door,
      ledger,
      onArrival: (arrival) => this.#welcome(arrival),
    });
    this.#startedAt = now();
    this.#sys = new SysTopics({
      read: () => this.#sysFacts(),
      publish: (topic, value) => this.#aedes.publish(sysPacket(topic, value), () => {}),
    });
    this.#sweep = setInterval(() => this.#store.expire(now()), SESSION_SWEEP_MS).unref();
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  async start(): Promise<void> {
    const { config, logger, directory, now } = this.#parts;
    if (directory !== undefined) await this.#openStore(directory, now());
    await this.#aedes.listen();
    try {
      this.#endpoints = await this.#listeners.start();
    } catch (error) {
      await this.close();
      throw error;
    }
    for (const { kind, host, port } of this.#endpoints) {
      if (config.access.mode === 'open') {
        const reach = isLoopback(host) ? 'on this machine' : 'WHO REACHES THIS ADDRESS';
        logger.warn({ kind, host, port }, `open mode: everybody ${reach} can speak for any device`);
      }
      const { root, access } = config;
      logger.info({ kind, host, port, root, access: access.mode }, 'broker is listening');
    }
  }

  async #openStore(directory: string, at: number): Promise<void> {
    try {
      await this.#store.open(directory, at);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      await this.close();
      throw new BrokerError('directory-unusable', `${directory} cannot hold the broker's sessions: ${why}`, {
        cause: error,
      });
    }
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

  #sysFacts(): SysFacts {
    const { clientsConnected, retainedMessages, refused } = this.counters();
    const publishesDropped = refused['overload-shed'] + refused['tap-shed'] + refused['queue-overflow'];
    const { packetsReceived, publishesReceived } = this.#traffic;
    const uptimeMs = this.#parts.now() - this.#startedAt;
    const clientsAway = this.#store.awayCount;
    return {
      uptimeMs,
      clientsConnected,
      clientsAway,
      packetsReceived,
      publishesReceived,
      publishesDropped,
      retainedMessages,
    };
  }

  async reload(): Promise<void> {
    const { identification, logger } = this.#parts;
    const uses = await Promise.all([identification.read(), this.#listeners.read()]);
    for (const use of uses) use();
    for (const client of [...this.#live.values()]) {
      const proof = this.#connections.of(client)?.proof;
      if (proof === undefined || (await proof.stillHolds()) || client.closed) continue;
      this.#end(client, 'login-revoked');
    }
    logger.info('users, keys and certificates read again');
  }

  #end(client: Client, reason: Reason): void {
    this.#ledger.refuse(reason, this.#connections.circumstances(client));
    client.close();
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
    const serverClosed = this.#listeners.close();
    await Promise.race([this.#traffic.whenIdle(), expired]);
    await nextTurn(); // lets the last PUBACKs leave
    await Promise.race([new Promise<void>((resolve) => this.#aedes.close(resolve)), expired]);
    this.#door.destroyAll();
    await Promise.race([serverClosed, expired]);
    await this.#store.close();
    clearTimeout(deadline);
    clearInterval(this.#sweep);
    this.#sys[Symbol.dispose]();
    this.#ledger[Symbol.dispose]();
  }

  #listenTo(aedes: Aedes): void {
    aedes.on('client', (client) => {
      this.#live.set(client.id, client);
      this.#sys.noteClients(this.#live.size);
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

  #welcome(arrival: Arrival): void {
    const { config, now } = this.#parts;
    const { messagesPerSecondMax, messageBurstMax, turnWaitMsMax } = config.limits;
    const client = this.#aedes.handle(arrival.stream);
    this.#connections.add(client, createConnection(arrival, messagesPerSecondMax, messageBurstMax, now()));
    const { judge, shed } = this.#traffic;
    new PacketReader(client, arrival.stream, { turnstile: this.#turnstile, judge, turnWaitMsMax, shed });
  }

  #accepted(client: Client, { arrival, proof }: Connection): void {
    const { now } = this.#parts;
    this.#door.settled(arrival.socket);
    if (proof?.expiresAt !== undefined) {
      arrival.stream.once(
        'close',
        atInstant(proof.expiresAt, now, () => this.#end(client, 'login-expired')),
      );
    }
    const before = this.#live.get(client.id);
    if (before === undefined || before.closed) return;
    this.#takeoversTotal += 1;
    const addresses = [this.#connections.of(before)?.arrival.address ?? '', arrival.address];
    const duplicate = this.#duplicates.note(client.id, addresses, now());
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
