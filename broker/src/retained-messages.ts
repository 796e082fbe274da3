/** The last verdict about each device, for whoever subscribes later; on disk as well where there is a file for it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RecordLog, readRecords } from './record-log.ts';
import type { Kept, RecordPlace } from './storage.ts';
import { copyOf, type StoredPacket } from './stored-packet.ts';
import { topicMatches } from './topic-filter.ts';

/** Topic, QoS and payload in base64; a topic alone has been cleared. */
type RetainedRecord = readonly [topic: string, qos: 0 | 1 | 2, payload: string] | readonly [topic: string];

/** With a million devices a filter that matches none of them held everybody up for 0.6 s. */
const SEARCHED_AT_ONCE = 1_000;

export class RetainedMessages implements Kept {
  readonly #max: number;
  readonly #onFull: (topic: string) => void;
  readonly #byTopic = new Map<string, StoredPacket>();
  #log: RecordLog<RetainedRecord> | undefined;

  /** Beyond `max`, messages on topics that are not there yet are told to `onFull` and forgotten. */
  constructor(max: number, onFull: (topic: string) => void) {
    this.#max = max;
    this.#onFull = onFull;
  }

  /** Takes up what is there; returns the number of damaged lines in it. */
  async open(place: RecordPlace, onTrouble: (error: Error) => void): Promise<number> {
    const damagedLines = await readRecords<RetainedRecord>(place, (record) => this.#replay(record));
    this.#log = await RecordLog.start({ place, onTrouble, snapshot: () => this.#records() });
    return damagedLines;
  }

  async close(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    await log?.close();
  }

  get count(): number {
    return this.#byTopic.size;
  }

  /** Resolves when it is kept: on the disk, where there is a file. */
  async store(packet: StoredPacket): Promise<void> {
    const { topic, qos, payload } = packet;
    if (payload.length === 0) {
      if (this.#byTopic.delete(topic)) await this.#log?.append([topic]);
    } else if (this.#byTopic.has(topic) || this.#byTopic.size < this.#max) {
      this.#byTopic.set(topic, { ...copyOf(packet), retain: true });
      await this.#log?.append([topic, qos, payload.toString('base64')]);
    } else {
      this.#onFull(topic);
    }
  }

  /** What of it comes and goes meanwhile may be among them or not. */
  async *matching(filters: readonly string[]): AsyncGenerator<StoredPacket> {
    let searched = 0;
    for (const filter of filters) {
      if (!/[+#]/.test(filter)) {
        const packet = this.#byTopic.get(filter);
        if (packet !== undefined) yield packet;
        continue;
      }
      for (const packet of this.#byTopic.values()) {
        if (topicMatches(filter, packet.topic)) yield packet;
        searched += 1;
        if (searched % SEARCHED_AT_ONCE === 0) await nextTurn();
      }
    }
  }

  #replay([topic, qos, base64]: RetainedRecord): void {
    if (qos === undefined || base64 === undefined) {
      this.#byTopic.delete(topic);
      return;
    }
    const payload = Buffer.from(base64, 'base64');
    this.#byTopic.set(topic, { cmd: 'publish', topic, payload, qos, retain: true, dup: false });
  }

  *#records(): Generator<RetainedRecord> {
    for (const { topic, qos, payload } of this.#byTopic.values())
      yield [topic, qos, payload.toString('base64')];
  }
}
