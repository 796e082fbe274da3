/** Aedes behind a door, a log-in, access rules and an ingest, put together and taken apart again. */
import type { Aedes, Client } from 'aedes';
import type { Logger } from 'pino';
import { accessRules } from './access.ts';
import { createAedes } from './aedes-hooks.ts';
import { type Distribute, leaveQosOpen, type Will } from './aedes-seams.ts';
import { Audience } from './audience.ts';
import type { Broker, TrustedMessage } from './broker.ts';
import { type ClientPage, type ClientQuery, clientPage } from './client-pages.ts';
import { type BrokerConfig, wantedListeners } from './config.ts';
import { type Connection, Connections } from './connection.ts';
import type { BrokerCounters } from './counters.ts';
import { Departure } from './departure.ts';
import { Door } from './door.ts';
import { BrokerError } from './errors.ts';
import type { Identification } from './identification.ts';
import { Ingest, type Tap } from './ingest.ts';
import { Ledger } from './ledger.ts';
import type { Arrival, Endpoint } from './listener.ts';
import { Listeners } from './listeners.ts';
import { Login } from './login.ts';
import { Membership } from './membership.ts';
import { OpenWills } from './open-wills.ts';
import { OrphanedWills } from './orphaned-wills.ts';
import { PacketReader } from './packet-reader.ts';
import { Roster } from './roster.ts';
import { SessionRights } from './session-rights.ts';
import { SessionStore } from './session-store.ts';
import { type Kept, openAll, type Storage } from './storage.ts';
import { storageFailure, storageOf } from './storage-choice.ts';
import { Subscribers } from './subscribers.ts';
import { type SysFacts, SysTopics, sysPacket } from './sys-topics.ts';
import { TokenBucket } from './token-bucket.ts';
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
  readonly #subscribers: Subscribers;
  readonly #turnstile = new Turnstile();
  readonly #aedes: Aedes;
  readonly #distribute: Distribute;
  readonly #listeners: Listeners;
  readonly #departure: Departure;
  readonly #roster = new Roster();
  readonly #membership: Membership;
  readonly #sys: SysTopics;
  readonly #rights: SessionRights;
  readonly #wills: OpenWills;
  readonly #kept: Readonly<Record<string, Kept>>;
  readonly #startedAt: number;
  readonly #sweep: NodeJS.Timeout;
  #reloaded: Promise<void> = Promise.resolve();
  #endpoints: readonly Endpoint[] = [];
  #storage: Storage | undefined;

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
      mayKeep: (client, topic) => this.#membership.mayKeep(client as Client, topic),
    });
    const rules = accessRules(config.root, config.topics);
    this.#rights = new SessionRights(rules, parts.identification, this.#store);
    const distribute: Distribute = (packet, done) => this.#distribute(packet, done);
    const ingest = this.#ingest;
    const willSettled = (client: Client, will: Will): void => this.#wills.settled(client.id, will);
    this.#traffic = new Traffic({ config, rules, connections, ledger, ingest, now, distribute, willSettled });
    const taken = (): void => this.#traffic.noteTaken(true);
    const orphaned = new OrphanedWills({ rules, ingest, ledger, distribute, now, taken });
    this.#wills = new OpenWills({
      graceS: limits.orphanGraceS,
      now,
      orphaned: (clientId, will) =>
        orphaned.publish(clientId, will, () => this.#wills.settled(clientId, will)),
    });
    this.#membership = new Membership({
      root: config.root,
      roster: this.#roster,
      connections,
      door: this.#door,
      ledger,
      store: this.#store,
      rights: this.#rights,
      wills: this.#wills,
      now,
    });
    this.#kept = { ...this.#store.kept, 'wills.v1': this.#wills };
    const audience = new Audience();
    this.#subscribers = new Subscribers({ limits, rules, connections, ledger, audience, store: this.#store });
    const accepted = (client: Client, connection: Connection): void =>
      this.#membership.accepted(client, connection);
    const spoke = ({ arrival }: Connection): void => this.#door.spoke(arrival.socket);
    const { identification } = parts;
    this.#login = new Login({ config, rules, connections, ledger, identification, spoke, accepted });
    ({ aedes: this.#aedes, distribute: this.#distribute } = createAedes({
      limits,
      login: this.#login,
      traffic: this.#traffic,
      subscribers: this.#subscribers,
      audience,
      store: this.#store,
      onMistake: (error) => this.#mistake(error),
    }));
    this.#membership.listenTo(this.#aedes);
    this.#aedes.on('client', () => this.#sys.noteClients(this.#roster.size));
    (this.#aedes as NodeJS.EventEmitter).on('error', (error) => this.#mistake(error));
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
    try {
      await this.#openStorage();
      this.#rights.review();
      await this.#aedes.listen();
      this.#endpoints = await this.#listeners.start();
      this.#wills.awaitOrphans();
      const { orphans } = this.#wills;
      if (orphans > 0) this.#parts.logger.info({ orphans }, 'awaiting the clients of before the restart');
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #openStorage(): Promise<void> {
    const { config, directory, now } = this.#parts;
    try {
      this.#storage = await storageOf(config, directory);
      if (this.#storage === undefined) return;
      await openAll(this.#storage, this.#kept, (detail) => this.#ledger.refuse('store', { detail }));
      this.#store.begin(now());
    } catch (cause) {
      throw storageFailure(config, directory, cause);
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
      connectsTotal: this.#membership.connectsTotal,
      takeoversTotal: this.#membership.takeoversTotal,
      messagesTaken: this.#traffic.messagesTaken,
      willsTaken: this.#traffic.willsTaken,
      orphans: this.#wills.orphans,
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

  /** One after the other: what an earlier one has read shall not come into force after a later one. */
  reload(): Promise<void> {
    const reloaded = this.#reloaded.then(() => this.#readAgain());
    this.#reloaded = reloaded.catch(() => {});
    return reloaded;
  }

  async #readAgain(): Promise<void> {
    const { identification, logger } = this.#parts;
    const uses = await Promise.all([
      identification.read((detail) => this.#ledger.refuse('token-keys-unavailable', { detail })),
      this.#listeners.read(),
    ]);
    for (const use of uses) use();
    await this.#membership.review();
    logger.info('users, keys and certificates read again');
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
    await Promise.all(Object.values(this.#kept).map((one) => one.close()));
    await this.#storage?.release();
    clearInterval(this.#sweep);
    this.#sys[Symbol.dispose]();
    this.#ledger[Symbol.dispose]();
  }

  #welcome(arrival: Arrival): void {
    const { config, now } = this.#parts;
    const { messagesPerSecondMax, messageBurstMax, turnWaitMsMax } = config.limits;
    const client = this.#aedes.handle(arrival.stream);
    leaveQosOpen(client);
    const rate = new TokenBucket(messagesPerSecondMax, messageBurstMax, now());
    const connection = this.#membership.arrived(client, arrival, rate);
    const { judge, publish, shed } = this.#traffic;
    const { acknowledged } = this.#subscribers;
    const turnstile = this.#turnstile;
    new PacketReader(client, connection, { turnstile, judge, publish, acknowledged, turnWaitMsMax, shed });
  }

  #mistake(error: unknown): void {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#ledger.refuse('internal', { detail });
  }
}
