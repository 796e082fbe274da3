/** Aedes behind a door, a log-in, access rules and an ingest, put together and taken apart again. */
import type { Aedes, Client } from 'aedes';
import type { Logger } from 'pino';
import { accessRules } from './access.ts';
import { createAedes } from './aedes-hooks.ts';
import { type Distribute, leaveQosOpen } from './aedes-seams.ts';
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
import { Subscribers } from './subscribers.ts';
import { SysTopics, sysFacts, sysPacket } from './sys-topics.ts';
import { Tenure } from './tenure.ts';
import { TokenBucket } from './token-bucket.ts';
import { Traffic, type TrafficParts } from './traffic.ts';
import { Turnstile } from './turnstile.ts';

export interface BrokerParts {
  readonly config: BrokerConfig;
  readonly logger: Logger;
  /** Absent where the detector is elsewhere. */
  readonly tap: Tap | undefined;
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
  readonly #roster = new Roster();
  readonly #membership: Membership;
  readonly #sys: SysTopics;
  readonly #rights: SessionRights;
  readonly #wills: OpenWills;
  readonly #tenure: Tenure;
  readonly #startedAt: number;
  readonly #sweep: NodeJS.Timeout;
  #reloaded: Promise<void> = Promise.resolve();

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    const { config, now } = parts;
    const { limits } = config;
    const connections = this.#connections;
    this.#ledger = new Ledger(parts.logger, limits.logLinesPerMinuteMax);
    const ledger = this.#ledger;
    this.#door = new Door(limits, ledger, now);
    this.#ingest = new Ingest(parts.tap ?? (() => {}), limits);
    this.#store = new SessionStore(limits, {
      overflowed: (client) => ledger.refuse('queue-overflow', { client }),
      sessionsFull: (client) => ledger.refuse('sessions-max', connections.circumstances(client as Client)),
      retainedFull: (topic) => ledger.refuse('retained-max', { topic }),
      sysValues: () => this.#sys.values(),
      mayPromise: () => this.#tenure.confirm(),
      mayKeep: (client, topic) => this.#membership.mayKeep(client as Client, topic),
    });
    const rules = accessRules(config.root, config.topics);
    this.#rights = new SessionRights(rules, parts.identification, this.#store);
    const pass: Distribute = (packet, done) => this.#distribute(packet, done);
    const distribute: Distribute = (packet, done) => {
      // What is written for a lasting session asks as it is written.
      if (!this.#tenure.mustAsk || this.#store.isKept(packet)) pass(packet, done);
      else this.#tenure.confirm().then(() => pass(packet, done), done);
    };
    const ingest = this.#ingest;
    const willSettled: TrafficParts['willSettled'] = (client, will, refused) =>
      this.#wills.published(client.id, will, refused !== 'internal');
    this.#traffic = new Traffic({
      config,
      rules,
      connections,
      ledger,
      ingest,
      now,
      distribute,
      pass,
      willSettled,
    });
    const taken = (): void => this.#traffic.noteTaken(true);
    const orphaned = new OrphanedWills({ rules, ingest, ledger, distribute, now, taken });
    this.#wills = new OpenWills({
      graceS: limits.orphanGraceS,
      now,
      orphaned: (clientId, will) =>
        orphaned.publish(clientId, will, (error) => this.#wills.published(clientId, will, !error)),
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
    const departure = new Departure({
      config,
      logger: parts.logger,
      listeners: this.#listeners,
      door: this.#door,
      roster: this.#roster,
      traffic: this.#traffic,
      aedes: this.#aedes,
      putAway: () => this.#putAway(),
    });
    this.#tenure = new Tenure({
      ...parts,
      ledger,
      kept: { ...this.#store.kept, 'wills.v1': this.#wills },
      hasDetector: parts.tap !== undefined,
      door: this.#door,
      roster: this.#roster,
      wills: this.#wills,
      departure,
      listen: () => this.#listen(),
    });
    this.#startedAt = now();
    this.#sys = new SysTopics({
      read: () => sysFacts(this.counters(), this.#traffic, now() - this.#startedAt, this.#store.awayCount),
      publish: (topic, value) => this.#aedes.publish(sysPacket(topic, value), () => {}),
    });
    this.#sweep = setInterval(() => this.#store.expire(now()), SESSION_SWEEP_MS).unref();
  }

  get endpoints(): readonly Endpoint[] {
    return this.#tenure.endpoints;
  }

  get serving(): Promise<void> {
    return this.#tenure.serving;
  }

  get failed(): Promise<BrokerError> {
    return this.#tenure.failed;
  }

  start(): Promise<void> {
    return this.#tenure.start();
  }

  async #listen(): Promise<readonly Endpoint[]> {
    this.#store.begin(this.#parts.now());
    this.#rights.review();
    await this.#aedes.listen();
    return this.#listeners.start();
  }

  publish({ topic, payload, qos, retain }: TrustedMessage): Promise<void> {
    if (this.#tenure.isClosed) return Promise.reject(new BrokerError('closed', 'the broker is closed'));
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
    return this.#tenure.problem;
  }

  drain(): Promise<void> {
    return this.#tenure.drain();
  }

  close(): Promise<void> {
    return this.#tenure.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #putAway(): Promise<void> {
    await this.#tenure.putAway();
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
