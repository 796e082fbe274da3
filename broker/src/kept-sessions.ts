/**
 * Subscriptions and queues of clients that asked for a lasting session: a detector or dashboard elsewhere. On disk as
 * well where there is a file for it, so that a beat that was acknowledged reaches the detector although the broker was
 * killed in between.
 */
import { RecordLog, readRecords } from './record-log.ts';
import { copyOf, type StoredPacket } from './stored-packet.ts';
import { topicMatches } from './topic-filter.ts';

export interface StoredSubscription {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
}

interface Session {
  readonly subscriptions: Map<string, StoredSubscription>;
  /** By the broker's own number of the message, the oldest first; numbers below zero are of an earlier life. */
  queue: Map<number, StoredPacket>;
  /** Message id on the wire → number in the queue. */
  readonly inFlight: Map<number, number>;
  /** Epoch milliseconds; undefined while its client is connected. */
  awaySince: number | undefined;
}

/** One change of the sessions. To make it a second time changes nothing. */
type SessionRecord =
  | readonly ['subscribe', client: string, subscriptions: readonly (readonly [string, 0 | 1 | 2])[]]
  | readonly ['unsubscribe', client: string, topics: readonly string[]]
  | readonly ['forget', client: string]
  | readonly ['away', client: string, since: number | null]
  | readonly [
      'queue',
      number: number,
      topic: string,
      base64: string,
      to: readonly (readonly [string, 1 | 2])[],
    ]
  | readonly ['sent', client: string, number: number, messageId: number, released: boolean]
  | readonly ['done', client: string, number: number];

export class KeptSessions {
  readonly #queuedMax: number;
  readonly #onOverflow: (clientId: string) => void;
  readonly #sessions = new Map<string, Session>();
  #log: RecordLog<SessionRecord> | undefined;

  /** Of more than `queuedMax` messages for one client the oldest go, each told to `onOverflow`. */
  constructor(queuedMax: number, onOverflow: (clientId: string) => void) {
    this.#queuedMax = queuedMax;
    this.#onOverflow = onOverflow;
  }

  /**
   * Takes up what the file holds; returns the number of damaged lines in it. A client whose connection ended with the
   * broker counts as away from `now` on.
   */
  async open(path: string, now: number, onTrouble: (error: Error) => void): Promise<number> {
    const damagedLines = await readRecords<SessionRecord>(path, (record) => this.#apply(record));
    for (const session of this.#sessions.values()) {
      session.awaySince ??= now;
      this.#renumber(session);
    }
    this.#log = await RecordLog.start({ path, onTrouble, snapshot: () => this.#records() });
    return damagedLines;
  }

  /** What changes from now on, as connections end, is not written any more. */
  async close(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    await log?.close();
  }

  get count(): number {
    return this.#sessions.size;
  }

  get awayCount(): number {
    return [...this.#sessions.values()].filter(({ awaySince }) => awaySince !== undefined).length;
  }

  has(clientId: string): boolean {
    return this.#sessions.has(clientId);
  }

  connected(clientId: string): void {
    if (this.has(clientId)) this.#note(['away', clientId, null]);
  }

  disconnected(clientId: string, at: number): void {
    if (this.has(clientId)) this.#note(['away', clientId, at]);
  }

  /** Forgets the sessions whose clients went away before this instant; returns their clients. */
  forgetAwayBefore(instant: number): string[] {
    const forgotten = [...this.#sessions]
      .filter(([, { awaySince }]) => awaySince !== undefined && awaySince < instant)
      .map(([clientId]) => clientId);
    for (const clientId of forgotten) this.#note(['forget', clientId]);
    return forgotten;
  }

  async forget(clientId: string): Promise<void> {
    if (this.has(clientId)) await this.#change(['forget', clientId]);
  }

  /** Begins a session where there is none. */
  async subscribe(clientId: string, subscriptions: readonly StoredSubscription[]): Promise<void> {
    await this.#change(['subscribe', clientId, subscriptions.map(({ topic, qos }) => [topic, qos] as const)]);
  }

  /** A session without subscriptions is none. */
  async unsubscribe(clientId: string, topics: readonly string[]): Promise<void> {
    const session = this.#sessions.get(clientId);
    if (session === undefined) return;
    await this.#change(['unsubscribe', clientId, topics]);
    if (session.subscriptions.size === 0) await this.forget(clientId);
  }

  subscriptionsOf(clientId: string): StoredSubscription[] {
    return [...(this.#sessions.get(clientId)?.subscriptions.values() ?? [])].map((sub) => ({ ...sub }));
  }

  /** Who is to find a message on this topic in the queue: each client once, with its highest QoS. */
  subscribersOf(topic: string): { clientId: string; topic: string; qos: 1 | 2 }[] {
    const matching: { clientId: string; topic: string; qos: 1 | 2 }[] = [];
    for (const [clientId, { subscriptions }] of this.#sessions) {
      let highest: 0 | 1 | 2 = 0;
      for (const { topic: filter, qos } of subscriptions.values()) {
        if (qos > highest && topicMatches(filter, topic)) highest = qos;
      }
      if (highest !== 0) matching.push({ clientId, topic, qos: highest });
    }
    return matching;
  }

  /** Resolves when the message is kept for these clients: on the disk, where there is a file. */
  async enqueue(to: readonly { clientId: string; qos?: 0 | 1 | 2 }[], packet: StoredPacket): Promise<void> {
    const { brokerCounter: number, topic } = packet;
    if (number === undefined) return;
    const granted: [string, 1 | 2][] = [];
    for (const { clientId, qos } of to) {
      const session = this.#sessions.get(clientId);
      if (session === undefined) continue;
      if (session.queue.size >= this.#queuedMax) this.#dropOldest(clientId, session);
      const lower = Math.min(packet.qos, qos ?? packet.qos) as 1 | 2;
      session.queue.set(number, { ...copyOf(packet), qos: lower, retain: false });
      granted.push([clientId, lower]);
    }
    if (granted.length > 0)
      await this.#log?.append(['queue', number, topic, packet.payload.toString('base64'), granted]);
  }

  /** Notes under which message id a queued message went out, or that its PUBREL replaces it (QoS 2). */
  sent(clientId: string, { cmd, messageId, brokerCounter }: StoredPacket): void {
    const session = this.#sessions.get(clientId);
    if (session === undefined || messageId === undefined) return;
    const number = brokerCounter ?? session.inFlight.get(messageId);
    const queued = number === undefined ? undefined : session.queue.get(number);
    if (number === undefined || queued === undefined) return; // dropped meanwhile to make room
    const record = ['sent', clientId, number, messageId, cmd === 'pubrel'] as const;
    // The id of a QoS 1 message matters as long as the connection only, so that after a restart it may be another.
    if (queued.qos === 2) this.#note(record);
    else this.#apply(record);
  }

  /** The client has it; returns what was queued under this message id. */
  acknowledged(clientId: string, messageId: number | undefined): StoredPacket | undefined {
    const session = this.#sessions.get(clientId);
    const number = session?.inFlight.get(messageId ?? 0);
    if (session === undefined || number === undefined) return undefined;
    const cleared = session.queue.get(number);
    this.#note(['done', clientId, number]);
    return cleared;
  }

  queuedFor(clientId: string): number {
    return this.#sessions.get(clientId)?.queue.size ?? 0;
  }

  /** A copy: the queue goes on while the client is given what is in it. */
  queueOf(clientId: string): StoredPacket[] {
    return [...(this.#sessions.get(clientId)?.queue.values() ?? [])];
  }

  #dropOldest(clientId: string, { queue }: Session): void {
    const [oldest] = queue.keys();
    if (oldest === undefined) return;
    this.#note(['done', clientId, oldest]);
    this.#onOverflow(clientId);
  }

  /** Makes a change that is to outlive the broker. */
  async #change(record: SessionRecord): Promise<void> {
    this.#apply(record);
    await this.#log?.append(record);
  }

  /** Makes a change whose loss would only have a message delivered twice, or a session kept for longer. */
  #note(record: SessionRecord): void {
    this.#apply(record);
    this.#log?.note(record);
  }

  #apply(record: SessionRecord): void {
    if (record[0] === 'queue') {
      const [, number, topic, base64, to] = record;
      const payload = Buffer.from(base64, 'base64');
      const message = { cmd: 'publish', topic, payload, retain: false, dup: false } as const;
      for (const [clientId, qos] of to) {
        this.#sessions.get(clientId)?.queue.set(number, { ...message, qos, brokerCounter: number });
      }
      return;
    }
    const [, clientId] = record;
    if (record[0] === 'subscribe' && !this.has(clientId)) this.#sessions.set(clientId, newSession());
    const session = this.#sessions.get(clientId);
    if (session === undefined) return;
    switch (record[0]) {
      case 'subscribe':
        for (const [topic, qos] of record[2]) session.subscriptions.set(topic, { topic, qos });
        break;
      case 'unsubscribe':
        for (const topic of record[2]) session.subscriptions.delete(topic);
        break;
      case 'forget':
        this.#sessions.delete(clientId);
        break;
      case 'away':
        session.awaySince = record[2] ?? undefined;
        break;
      case 'sent':
        markSent(session, record[2], record[3], record[4]);
        break;
      case 'done':
        markDone(session, record[2]);
    }
  }

  /** Has the messages of an earlier life come before all that this one will number, in the order they came in. */
  #renumber(session: Session): void {
    // Sorted, since a file that was written anew while a message came may hold it behind a younger one.
    const messages = [...session.queue].sort(([a], [b]) => a - b).slice(-this.#queuedMax);
    session.queue = new Map();
    session.inFlight.clear();
    for (const [index, [, packet]] of messages.entries()) {
      const number = index - messages.length;
      session.queue.set(number, { ...packet, brokerCounter: number });
      if (packet.messageId !== undefined) session.inFlight.set(packet.messageId, number);
    }
  }

  *#records(): Generator<SessionRecord> {
    for (const [clientId, { subscriptions, awaySince, queue }] of this.#sessions) {
      yield [
        'subscribe',
        clientId,
        [...subscriptions.values()].map(({ topic, qos }) => [topic, qos] as const),
      ];
      yield ['away', clientId, awaySince ?? null];
      for (const [number, { cmd, topic, payload, qos, messageId }] of queue) {
        yield ['queue', number, topic, payload.toString('base64'), [[clientId, qos as 1 | 2]]];
        if (qos === 2 && messageId !== undefined)
          yield ['sent', clientId, number, messageId, cmd === 'pubrel'];
      }
    }
  }
}

function newSession(): Session {
  return { subscriptions: new Map(), queue: new Map(), inFlight: new Map(), awaySince: undefined };
}

function markSent(
  { queue, inFlight }: Session,
  number: number,
  messageId: number,
  isReleased: boolean,
): void {
  const queued = queue.get(number);
  if (queued === undefined) return;
  if (queued.messageId !== undefined) inFlight.delete(queued.messageId);
  queue.set(number, { ...queued, cmd: isReleased ? 'pubrel' : 'publish', messageId });
  inFlight.set(messageId, number);
}

function markDone({ queue, inFlight }: Session, number: number): void {
  const messageId = queue.get(number)?.messageId;
  if (messageId !== undefined) inFlight.delete(messageId);
  queue.delete(number);
}
