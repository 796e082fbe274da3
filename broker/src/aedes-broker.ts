/** Aedes behind a door, a log-in, access rules and an ingest, put together and taken apart again. */
import { parseTopic } from '@slowbeat/device-sdk/protocol';
import type { Aedes, Client } from 'aedes';
import type { Logger } from 'pino';
import { accessRules } from './access.ts';
import { createAedes } from './aedes-hooks.ts';
import { type Distribute, guardPackets } from './aedes-seams.ts';
import type { Broker, TrustedMessage } from './broker.ts';
import { type ClientPage, type ClientQuery, clientPage } from './client-pages.ts';
import { type BrokerConfig, wantedListeners } from './config.ts';
import { type Connection, Connections, createConnection } from './connection.ts';
import type { BrokerCounters, Reason } from './counters.ts';
import { Departure } from './departure.ts';
import { Door } from './door.ts';
import { endReason } from './end-reason.ts';
import { BrokerError } from './errors.ts';
import type { Identification } from './identification.ts';
import { Ingest, type Tap } from './ingest.ts';
import { atInstant } from './instant-timer.ts';
import { Ledger } from './ledger.ts';
import type { Arrival, Endpoint } from './listener.ts';
import { Listeners } from './listeners.ts';
import { Login } from './login.ts';
import { type Member, Roster } from './roster.ts';
import { SessionRights } from './session-rights.ts';
import { SessionStore } from './session-store.ts';
import { type SysFacts, SysTopics, sysPacket } from './sys-topics.ts';
import { Takeovers } from './takeovers.ts';
import { TokenBucket } from './token-bucket.ts';
import { Traffic } from './traffic.ts';

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
  readonly #aedes: Aedes;
  readonly #distribute: Distribute;
  readonly #listeners: Listeners;
  readonly #departure: Departure;
  readonly #roster = new Roster();
  readonly #takeovers: Takeovers;
  readonly #sys: SysTopics;
  readonly #rights: SessionRights;
  readonly #startedAt: number;
  readonly #sweep: NodeJS.Timeout;
  #endpoints: readonly Endpoint[] = [];
  #reloads = 0;
  #connectsTotal = 0;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    const { config, now } = parts;
    const { limits } = config;
    const connections = this.#connections;
    this.#ledger = new Ledger(parts.logger, limits.logLinesPerMinuteMax);
    const ledger = this.#ledger;
    this.#takeovers = new Takeovers(this.#roster, connections, ledger);
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
    const rules = accessRules(config.root, config.topics);
    this.#rights = new SessionRights(rules, parts.identification, this.#store);
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
      config,
      logger: parts.logger,
      door: this.#door,
      ledger,
      onArrival: (arrival) => this.#welcome(arrival),
    });
    this.#departure = new Departure({
      config,
      logger: parts.logger,
      listeners: this.#listeners,
      door: this.#door,
      roster: this.#roster,
      traffic: this.#traffic,
      aedes: this.#aedes,
      putAway: () => this.#putAway(),
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
    const { directory, now } = this.#parts;
    try {
      if (directory !== undefined) await this.#store.open(directory, now());
      this.#rights.review();
      await this.#aedes.listen();
      this.#endpoints = await this.#listeners.start();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  publish({ topic, payload, qos, retain }: TrustedMessage): Promise<void> {
    if (this.#departure.isClosed) return Promise.reject(new BrokerError('closed', 'the broker is closed'));
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
      clientsConnected: this.#roster.size,
      connectionsTotal: this.#door.admittedTotal,
      connectsTotal: this.#connectsTotal,
      takeoversTotal: this.#takeovers.total,
      messagesTaken: this.#traffic.messagesTaken,
      willsTaken: this.#traffic.willsTaken,
      tapsPending: this.#ingest.pending,
      retainedMessages: this.#store.retainedCount,
      sessionsKept: this.#store.sessionCount,
      refused: this.#ledger.counts(),
    };
  }

  clients(query: ClientQuery): ClientPage {
    return clientPage(this.#roster, query, (clientId) => this.#store.queuedFor(clientId));
  }

  #sysFacts(): SysFacts {
    const { clientsConnected, retainedMessages } = this.counters();
    const { packetsReceived, publishesReceived } = this.#traffic;
    const uptimeMs = this.#parts.now() - this.#startedAt;
    const clientsAway = this.#store.awayCount;
    return { uptimeMs, clientsConnected, clientsAway, packetsReceived, publishesReceived, retainedMessages };
  }

  async reload(): Promise<void> {
    const { identification, logger } = this.#parts;
    const uses = await Promise.all([identification.read(), this.#listeners.read()]);
    for (const use of uses) use();
    this.#reloads += 1;
    this.#rights.review();
    for (const member of [...this.#roster.members()]) await this.#recheck(member);
    logger.info('users, keys and certificates read again');
  }

  async #recheck({ client, connection: { proof } }: Member): Promise<void> {
    if (proof === undefined || (await proof.stillHolds()) || client.closed) return;
    this.#end(client, 'login-revoked');
  }

  #end(client: Client, reason: Reason): void {
    this.#ledger.refuse(reason, this.#connections.circumstances(client));
    client.close();
  }

  get problem(): string | undefined {
    return this.#departure.problem;
  }

  drain(): Promise<void> {
    return this.#departure.drain();
  }

  close(): Promise<void> {
    return this.#departure.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #putAway(): Promise<void> {
    await this.#store.close();
    clearInterval(this.#sweep);
    this.#sys[Symbol.dispose]();
    this.#ledger[Symbol.dispose]();
  }

  #listenTo(aedes: Aedes): void {
    aedes.on('client', (client) => {
      const connection = this.#connections.of(client);
      if (connection === undefined) return;
      const member = this.#roster.enter(client, connection, this.#parts.now());
      // Its rights may be those of before a reload that happened while it logged in.
      if (connection.reloads !== this.#reloads) void this.#recheck(member);
      this.#sys.noteClients(this.#roster.size);
      this.#store.connected(client.id);
    });
    aedes.on('clientReady', () => {
      this.#connectsTotal += 1;
    });
    aedes.on('clientDisconnect', (client) => {
      this.#roster.leave(client);
      if (this.#roster.of(client.id) === undefined) this.#store.disconnected(client.id, this.#parts.now());
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
    const { messagesPerSecondMax, messageBurstMax } = config.limits;
    const client = this.#aedes.handle(arrival.stream);
    const rate = new TokenBucket(messagesPerSecondMax, messageBurstMax, now());
    this.#connections.add(client, createConnection(arrival, rate, now(), this.#reloads));
    guardPackets(client, this.#traffic.judge);
  }

  #accepted(client: Client, { arrival, proof, subscriptions }: Connection): void {
    const { now } = this.#parts;
    this.#door.settled(arrival.socket);
    if (proof !== undefined && !client.clean) {
      for (const filter of this.#rights.claim(client.id, proof.identity)) subscriptions.add(filter);
    }
    if (proof?.expiresAt !== undefined) {
      arrival.stream.once(
        'close',
        atInstant(proof.expiresAt, now, () => this.#end(client, 'login-expired')),
      );
    }
    this.#takeovers.note(client, arrival.address, now());
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
