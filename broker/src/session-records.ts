/** Lasting sessions as a state, the records it is kept in, and what each record changes. */
import type { StoredPacket } from './stored-packet.ts';

export interface StoredSubscription {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
}

export interface Session {
  readonly subscriptions: Map<string, StoredSubscription>;
  /** By the broker's own number of the message, the oldest first; numbers below zero are of an earlier life. */
  queue: Map<number, StoredPacket>;
  /** Message id on the wire → number in the queue. */
  readonly inFlight: Map<number, number>;
  /** Epoch milliseconds; undefined while its client is connected. */
  awaySince: number | undefined;
}

export type Sessions = Map<string, Session>;

/** One change of the sessions. To make it a second time changes nothing. */
export type SessionRecord =
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

export function applyRecord(sessions: Sessions, record: SessionRecord): void {
  if (record[0] === 'queue') {
    const [, number, topic, base64, to] = record;
    const payload = Buffer.from(base64, 'base64');
    const message = { cmd: 'publish', topic, payload, retain: false, dup: false } as const;
    for (const [clientId, qos] of to) {
      sessions.get(clientId)?.queue.set(number, { ...message, qos, brokerCounter: number });
    }
    return;
  }
  const [, clientId] = record;
  if (record[0] === 'subscribe' && !sessions.has(clientId)) sessions.set(clientId, newSession());
  const session = sessions.get(clientId);
  if (session === undefined) return;
  switch (record[0]) {
    case 'subscribe':
      for (const [topic, qos] of record[2]) session.subscriptions.set(topic, { topic, qos });
      break;
    case 'unsubscribe':
      for (const topic of record[2]) session.subscriptions.delete(topic);
      break;
    case 'forget':
      sessions.delete(clientId);
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
export function renumber(session: Session, queuedMax: number): void {
  // Sorted, since a file that was written anew while a message came may hold it behind a younger one.
  const messages = [...session.queue].sort(([a], [b]) => a - b).slice(-queuedMax);
  session.queue = new Map();
  session.inFlight.clear();
  for (const [index, [, packet]] of messages.entries()) {
    const number = index - messages.length;
    session.queue.set(number, { ...packet, brokerCounter: number });
    if (packet.messageId !== undefined) session.inFlight.set(packet.messageId, number);
  }
}

/** The state as the records that lead to it. */
export function* recordsOf(sessions: Sessions): Generator<SessionRecord> {
  for (const [clientId, { subscriptions, awaySince, queue }] of sessions) {
    yield ['subscribe', clientId, [...subscriptions.values()].map(({ topic, qos }) => [topic, qos] as const)];
    yield ['away', clientId, awaySince ?? null];
    for (const [number, { cmd, topic, payload, qos, messageId }] of queue) {
      yield ['queue', number, topic, payload.toString('base64'), [[clientId, qos as 1 | 2]]];
      if (qos === 2 && messageId !== undefined) yield ['sent', clientId, number, messageId, cmd === 'pubrel'];
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
