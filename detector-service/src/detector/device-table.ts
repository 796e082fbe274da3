/**
 * Everything known about every device, as columns of numbers indexed by device.
 *
 * An object per device would cost several times the memory and make a fleet of a million unusable; a column also
 * goes into a snapshot as it is. Absent instants are NaN, absent counters −1.
 */
import { DeadlineQueue } from './deadline-queue.ts';
import { NameTable } from './name-table.ts';

const CAPACITY_MIN = 64;

/** Bits of the `flags` column. */
export const FLAG = {
  /** The expected next beat was announced by the device, not inferred. */
  announced: 1,
  /** The usual interval was stated by the device at birth. */
  intervalStated: 2,
  /** A will of the current session came: the connection is known to be lost. */
  willCame: 4,
  /** The current session said goodbye: its will, if one still comes, says nothing new. */
  saidBye: 8,
  /** It was alive, not overdue, when the monitor went blind. */
  aliveBeforeBlind: 16,
  /** Its budget is used up, but its death waits for its group to have its say. */
  held: 32,
} as const;

export class DeviceTable {
  /** Number of learned values per device. */
  readonly stride: number;
  readonly queue = new DeadlineQueue();
  /** Sites, gateways and brokers, by the numbers in the columns. */
  readonly places = new NameTable();

  state = new Uint8Array(0);
  reason = new Uint8Array(0);
  flags = new Uint8Array(0);
  classIndex = new Uint16Array(0);
  since = new Float64Array(0);
  lastSeenAt = new Float64Array(0);
  lastBeatAt = new Float64Array(0);
  expectedBy = new Float64Array(0);
  suspectAt = new Float64Array(0);
  deadAt = new Float64Array(0);
  intervalMs = new Float64Array(0);
  generation = new Float64Array(0);
  session = new Float64Array(0);
  seq = new Float64Array(0);
  beats = new Float64Array(0);
  lost = new Float64Array(0);
  duplicates = new Uint32Array(0);
  site = new Int32Array(0);
  gateway = new Int32Array(0);
  broker = new Int32Array(0);
  learned = new Float32Array(0);

  #keys: (string | undefined)[] = [];
  readonly #indices = new Map<string, number>();
  readonly #free: number[] = [];
  #end = 0;

  constructor(stride: number) {
    this.stride = stride;
  }

  /** Devices in the table. */
  get size(): number {
    return this.#indices.size;
  }

  /** One past the highest index in use; some below may be free. */
  get end(): number {
    return this.#end;
  }

  /** Class and device as one key; neither may hold a `/`. */
  static key(deviceClass: string, device: string): string {
    return `${deviceClass}/${device}`;
  }

  /** The class and the device of a key. */
  static names(key: string): [deviceClass: string, device: string] {
    const slash = key.indexOf('/');
    return [key.slice(0, slash), key.slice(slash + 1)];
  }

  indexOf(key: string): number {
    return this.#indices.get(key) ?? -1;
  }

  keyAt(device: number): string | undefined {
    return this.#keys[device];
  }

  /** Adds a device with blank columns. The key must be new. */
  add(key: string, classIndex: number): number {
    const device = this.#free.pop() ?? this.#end++;
    if (device >= this.state.length) this.#reserve(Math.max(CAPACITY_MIN, 2 * this.state.length));
    this.#indices.set(key, device);
    this.#keys[device] = key;
    this.#blank(device);
    this.classIndex[device] = classIndex;
    return device;
  }

  remove(device: number): void {
    const key = this.#keys[device];
    if (key === undefined) return;
    this.queue.set(device, Infinity);
    this.#indices.delete(key);
    this.#keys[device] = undefined;
    this.#free.push(device);
  }

  /** Indices of all devices, in no meaningful order. */
  *indices(): Generator<number> {
    for (let device = 0; device < this.#end; device += 1) {
      if (this.#keys[device] !== undefined) yield device;
    }
  }

  /** The columns by name, for snapshots. */
  columns(): Record<string, Column> {
    const { state, reason, flags, classIndex, since, lastSeenAt, lastBeatAt, expectedBy, suspectAt } = this;
    const { deadAt, intervalMs, generation, session, seq, beats, lost, duplicates, site, gateway } = this;
    return {
      state,
      reason,
      flags,
      classIndex,
      since,
      lastSeenAt,
      lastBeatAt,
      expectedBy,
      suspectAt,
      deadAt,
      intervalMs,
      generation,
      session,
      seq,
      beats,
      lost,
      duplicates,
      site,
      gateway,
      broker: this.broker,
    };
  }

  #blank(device: number): void {
    this.state[device] = 0;
    this.reason[device] = 0;
    this.flags[device] = 0;
    this.since[device] = 0;
    this.beats[device] = 0;
    this.lost[device] = 0;
    this.duplicates[device] = 0;
    this.lastSeenAt[device] = NaN;
    this.lastBeatAt[device] = NaN;
    this.expectedBy[device] = NaN;
    this.suspectAt[device] = Infinity;
    this.deadAt[device] = Infinity;
    this.generation[device] = -1;
    this.session[device] = -1;
    this.seq[device] = -1;
    this.site[device] = -1;
    this.gateway[device] = -1;
    this.broker[device] = -1;
    this.learned.fill(0, device * this.stride, (device + 1) * this.stride);
  }

  #reserve(capacity: number): void {
    for (const [name, column] of Object.entries(this.columns())) {
      const Kind = column.constructor as new (length: number) => Column;
      const wider = new Kind(capacity);
      wider.set(column);
      (this as unknown as Record<string, Column>)[name] = wider;
    }
    const learned = new Float32Array(capacity * this.stride);
    learned.set(this.learned);
    this.learned = learned;
    this.queue.reserve(capacity);
  }
}

export type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;
