/**
 * Subscriptions and queues of clients that asked for a lasting session: a detector or dashboard elsewhere. On disk as
 * well where there is a file for it, so that a beat that was acknowledged reaches the detector although the broker was
 * killed in between.
 */
import { RecordLog, readRecords } from './record-log.ts';
import {
  applyRecord,
  recordsOf,
  renumber,
  type Session,
  type SessionRecord,
  type Sessions,
  type StoredSubscription,
} from './session-records.ts';
import type { Kept, RecordPlace } from './storage.ts';
import { copyOf, type StoredPacket } from './stored-packet.ts';
import { topicMatches } from './topic-filter.ts';

/** A client whose session is to keep a message, and with which QoS at most. */
export interface Recipient {
  readonly clientId: string;
  readonly qos?: 0 | 1 | 2;
}

export class KeptSessions implements Kept {
  readonly #queuedMax: number;
  readonly #onOverflow: (clientId: string) => void;
  readonly #sessions: Sessions = new Map();
  #log: RecordLog<SessionRecord> | undefined;

  /** Of more than `queuedMax` messages for one client the oldest go, each told to `onOverflow`. */
  constructor(queuedMax: number, onOverflow: (clientId: string) => void) {
    this.#queuedMax = queuedMax;
    this.#onOverflow = onOverflow;
  }

  /** Takes up what is there; returns the number of damaged lines in it. */
  async open(place: RecordPlace, onTrouble: (error: Error) => void): Promise<number> {
    const damagedLines = await readRecords<SessionRecord>(place, (record) =>
      applyRecord(this.#sessions, record),
    );
    for (const session of this.#sessions.values()) renumber(session, this.#queuedMax);
    this.#log = await RecordLog.start({ place, onTrouble, snapshot: () => recordsOf(this.#sessions) });
    return damagedLines;
  }

  /** A client whose connection ended with an earlier broker counts as away from now on. */
  begin(now: number): void {
    for (const [clientId, { awaySince }] of this.#sessions) {
      if (awaySince === undefined) this.#note(['away', clientId, now]);
    }
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

  clientIds(): string[] {
    return [...this.#sessions.keys()];
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
  async enqueue(to: readonly Recipient[], packet: StoredPacket): Promise<void> {
    const { brokerCounter: number, topic } = packet;
    if (number === undefined) return;
    const copy = copyOf(packet);
    const granted: [string, 1 | 2][] = [];
    for (const { clientId, qos } of to) {
      const session = this.#sessions.get(clientId);
      if (session === undefined) continue;
      if (session.queue.size >= this.#queuedMax) this.#dropOldest(clientId, session);
      const lower = Math.min(packet.qos, qos ?? packet.qos) as 1 | 2;
      session.queue.set(number, { ...copy, qos: lower, retain: false });
      granted.push([clientId, lower]);
    }
    if (granted.length > 0)
      await this.#log?.append(['queue', number, topic, packet.payload.toString('base64'), granted]);
  }

  /** Notes under which message id a queued message went out, or that its PUBREL replaces it (QoS 2). */
  sent(clientId: string, packet: Pick<StoredPacket, 'cmd' | 'messageId' | 'brokerCounter'>): void {
    const { cmd, messageId, brokerCounter } = packet;
    const session = this.#sessions.get(clientId);
    if (session === undefined || messageId === undefined) return;
    const number = brokerCounter ?? session.inFlight.get(messageId);
    const queued = number === undefined ? undefined : session.queue.get(number);
    if (number === undefined || queued === undefined) return; // dropped meanwhile to make room
    const record = ['sent', clientId, number, messageId, cmd === 'pubrel'] as const;
    // The id of a QoS 1 message matters as long as the connection only, so that after a restart it may be another.
    if (queued.qos === 2) this.#note(record);
    else applyRecord(this.#sessions, record);
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

  /** True when the client has not acknowledged what was sent to it under this message id. */
  isInFlight(clientId: string, messageId: number): boolean {
    return this.#sessions.get(clientId)?.inFlight.has(messageId) === true;
  }

  /** Messages of QoS 1 that have not been sent to anybody yet, by their number, the oldest first. */
  unsentFor(clientId: string): [number: number, packet: StoredPacket][] {
    const queue = this.#sessions.get(clientId)?.queue ?? [];
    return [...queue].filter(([, { qos, messageId }]) => qos === 1 && messageId === undefined);
  }

  queuedFor(clientId: string): number {
    return this.#sessions.get(clientId)?.queue.size ?? 0;
  }

  /** A copy: the queue goes on while the client is given what is in it. */
  queueOf(clientId: string): StoredPacket[] {
    return [...(this.#sessions.get(clientId)?.queue.values() ?? [])];
  }

  /**
   * Takes away the filters that may not be held any more, with what waits on their account; a session without filters
   * is none.
   */
  keepOnly(clientId: string, mayHear: (filter: string) => boolean): void {
    const session = this.#sessions.get(clientId);
    if (session === undefined) return;
    const withdrawn = [...session.subscriptions.keys()].filter((filter) => !mayHear(filter));
    if (withdrawn.length === 0) return;
    this.#note(['unsubscribe', clientId, withdrawn]);
    const left = [...session.subscriptions.keys()];
    if (left.length === 0) {
      this.#note(['forget', clientId]);
      return;
    }
    for (const [number, { topic }] of session.queue) {
      if (!left.some((filter) => topicMatches(filter, topic))) this.#note(['done', clientId, number]);
    }
  }

  #dropOldest(clientId: string, { queue }: Session): void {
    const [oldest] = queue.keys();
    if (oldest === undefined) return;
    this.#note(['done', clientId, oldest]);
    this.#onOverflow(clientId);
  }

  /** Makes a change that is to outlive the broker. */
  async #change(record: SessionRecord): Promise<void> {
    applyRecord(this.#sessions, record);
    await this.#log?.append(record);
  }

  /** Makes a change whose loss would only have a message delivered twice, or a session kept for longer. */
  #note(record: SessionRecord): void {
    applyRecord(this.#sessions, record);
    this.#log?.note(record);
  }
}
