/**
 * The wills of connections that have not ended, on disk, so that a device that dies together with the broker is not
 * forgotten: who was connected when the broker ended, however it ended, and does not come back to the next one in time,
 * has its will published then.
 *
 * "In time" is what its keepalive means anywhere: a client counts as gone after 1.5 times of it in silence (MQTT 3.1.1,
 * 3.1.2.10), and the restart begins that anew. Whoever reconnects elsewhere is judged by session, as after a takeover.
 */
import type { Will } from './aedes-seams.ts';
import { atInstant } from './instant-timer.ts';
import { RecordLog, readRecords } from './record-log.ts';
import type { Kept, RecordPlace } from './storage.ts';

interface OpenWill {
  readonly will: Will;
  readonly keepaliveS: number;
  /** Epoch milliseconds; of a connection of an earlier broker only, Infinity until the wait begins. */
  dueAt?: number;
}

/** One change. To make it a second time changes nothing. */
type WillRecord =
  | readonly [
      'open',
      client: string,
      keepaliveS: number,
      topic: string,
      base64: string,
      qos: 0 | 1 | 2,
      retain: boolean,
    ]
  | readonly ['settled', client: string];

export interface OpenWillsParts {
  readonly graceS: number;
  readonly now: () => number;
  /** A client of an earlier broker has not come back. {@link OpenWills.published} follows. */
  readonly orphaned: (clientId: string, will: Will) => void;
}

/** A will that could not be published is tried again after so long. */
const RETRY_MS = 5_000;

export class OpenWills implements Kept {
  readonly #parts: OpenWillsParts;
  readonly #open = new Map<string, OpenWill>();
  #log: RecordLog<WillRecord> | undefined;
  /** Whose will is on this topic, of clients that may still come back: some have a new client id each time. */
  readonly #orphanOf = new Map<string, string>();
  #orphans = 0;
  #stopWaiting: () => void = () => {};

  constructor(parts: OpenWillsParts) {
    this.#parts = parts;
  }

  /** Clients of an earlier broker that may still come back. */
  get orphans(): number {
    return this.#orphans;
  }

  /**
   * Takes up what is there; returns the number of damaged lines in it.
   * @throws what the place says.
   */
  async open(place: RecordPlace, onTrouble: (error: Error) => void): Promise<number> {
    const damagedLines = await readRecords<WillRecord>(place, (record) => this.#apply(record));
    this.orphanAll();
    this.#log = await RecordLog.start({ place, onTrouble, snapshot: () => this.#records() });
    return damagedLines;
  }

  /** Everybody was disconnected without their wills being published: those of all who are known may be due. */
  orphanAll(): void {
    this.#orphans = 0;
    for (const [clientId, open] of this.#open) this.#await(clientId, open, Number.POSITIVE_INFINITY);
  }

  /** From now on clients can come back: begins to wait for those of before. */
  awaitOrphans(): void {
    const at = this.#parts.now();
    for (const open of this.#open.values()) {
      if (open.dueAt === undefined) continue; // it has come back already, or is new
      open.dueAt = at + Math.max(open.keepaliveS * 1.5, this.#parts.graceS) * 1000;
    }
    this.#waitForNext();
  }

  /** Whoever is connected now may be orphaned by the end of this broker. */
  async close(): Promise<void> {
    this.#stopWaiting();
    const log = this.#log;
    this.#log = undefined;
    await log?.close();
  }

  /**
   * A client has come, with or without a will; what it left before is of no account any more. Resolves when the will
   * outlives this process, and rejects when it could not be written; undefined where there is nothing to wait for.
   */
  arrived(clientId: string, will: Will | undefined, keepaliveS: number): Promise<void> | undefined {
    if (this.#log === undefined) return undefined;
    this.#awaitNoMore(clientId);
    if (will !== undefined) {
      const orphan = this.#orphanOf.get(will.topic);
      if (orphan !== undefined && this.#awaitNoMore(orphan)) this.#forget(orphan);
      this.#open.set(clientId, { will, keepaliveS });
      return this.#log.note(openRecord(clientId, { will, keepaliveS }));
    }
    if (this.#open.has(clientId)) this.#forget(clientId);
    return undefined;
  }

  /** The will was published, or refused for good; or it could not be, and its client has a little longer to come back. */
  published(clientId: string, will: Will, isSettled: boolean): void {
    if (isSettled) this.settled(clientId, will);
    else this.#postpone(clientId, will);
  }

  /** Nothing is to come of this will any more. Another will of the same client id stays. */
  settled(clientId: string, will: Will): void {
    if (this.#open.get(clientId)?.will !== will) return;
    this.#awaitNoMore(clientId);
    this.#forget(clientId);
  }

  #postpone(clientId: string, will: Will): void {
    const open = this.#open.get(clientId);
    if (this.#log === undefined || open?.will !== will || open.dueAt !== undefined) return;
    this.#await(clientId, open, this.#parts.now() + RETRY_MS);
    this.#waitForNext();
  }

  #await(clientId: string, open: OpenWill, dueAt: number): void {
    open.dueAt = dueAt;
    this.#orphanOf.set(open.will.topic, clientId);
    this.#orphans += 1;
  }

  #forget(clientId: string): void {
    this.#open.delete(clientId);
    void this.#log?.note(['settled', clientId]);
  }

  /** True when this one was awaited. */
  #awaitNoMore(clientId: string): boolean {
    const open = this.#open.get(clientId);
    if (open?.dueAt === undefined) return false;
    delete open.dueAt;
    this.#orphanOf.delete(open.will.topic);
    this.#orphans -= 1;
    return true;
  }

  /** One timer for all. */
  #waitForNext(): void {
    this.#stopWaiting();
    let nextAt = Number.POSITIVE_INFINITY;
    for (const { dueAt = nextAt } of this.#open.values()) nextAt = Math.min(nextAt, dueAt);
    if (nextAt === Number.POSITIVE_INFINITY) return;
    this.#stopWaiting = atInstant(nextAt, this.#parts.now, () => this.giveUp());
  }

  /** Gives up those whose time has come. */
  giveUp(): void {
    const at = this.#parts.now();
    for (const [clientId, open] of this.#open) {
      if (open.dueAt === undefined || open.dueAt > at) continue;
      this.#awaitNoMore(clientId);
      this.#parts.orphaned(clientId, open.will);
    }
    this.#waitForNext();
  }

  #apply(record: WillRecord): void {
    if (record[0] === 'settled') {
      this.#open.delete(record[1]);
      return;
    }
    const [, clientId, keepaliveS, topic, base64, qos, retain] = record;
    const payload = Buffer.from(base64, 'base64');
    this.#open.set(clientId, {
      will: { cmd: 'publish', topic, payload, qos, retain, dup: false },
      keepaliveS,
    });
  }

  *#records(): Generator<WillRecord> {
    for (const [clientId, open] of this.#open) yield openRecord(clientId, open);
  }
}

function openRecord(clientId: string, { will, keepaliveS }: OpenWill): WillRecord {
  const { topic, payload, qos, retain } = will;
  return ['open', clientId, keepaliveS, topic, Buffer.from(payload).toString('base64'), qos, retain ?? false];
}
