/**
 * Everything known about every device, as columns of numbers indexed by device.
 *
 * An object per device would cost several times the memory and make a fleet of a million unusable; a column also
 * goes into a snapshot as it is. Absent instants are NaN, absent counters −1.
 */
import { DeadlineQueue } from './deadline-queue.ts';
import { NameTable } from './name-table.ts';

const CAPACITY_MIN = 64;
/** Columns grow by so much at a time: little is wasted, and a device is copied a few times at most. */
const GROWTH = 1.125;

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
  /** Its group's outage is over and it did not return in time: its silence is its own. */
  leftBehind: 64,
  /** It said at birth that it answers probes. */
  answersPing: 128,
} as const;

/** Bits of the `flags` column that count how often a suspect was looked at again. */
const LOOKS_SHIFT = 8;
const LOOKS_MASK = 3 << LOOKS_SHIFT;

export class DeviceTable {
  /** Number of learned values per device. */
  readonly stride: number;
  readonly queue = new DeadlineQueue();
  /** Sites, gateways and brokers, by the numbers in the columns. */
  readonly places = new NameTable();

  state = new Uint8Array(0);
  reason = new Uint8Array(0);
  flags = new Uint16Array(0);
  classIndex = new Uint16Array(0);
  since = new Float64Array(0);
  lastSeenAt = new Float64Array(0);
  lastBeatAt = new Float64Array(0);
  expectedBy = new Float64Array(0);
  suspectAt = new Float64Array(0);
  deadAt = new Float64Array(0);
  /** What the last beat announced; 0 for nothing. */
  nextMs = new Float32Array(0);
  intervalMs = new Float32Array(0);
  generation = new Float64Array(0);
  session = new Float64Array(0);
  seq = new Float64Array(0);
  beats = new Uint32Array(0);
  lost = new Uint32Array(0);
  duplicates = new Uint32Array(0);
  site = new Int32Array(0);
  gateway = new Int32Array(0);
  broker = new Int32Array(0);
  learned = new Float32Array(0);

  readonly #names: (string | undefined)[] = [];
  /** Device name → index, a map per class: two classes may use the same name. */
  readonly #indices: Map<string, number>[];
  readonly #free: number[] = [];
  #end = 0;
  #size = 0;

  constructor(classes: number, stride: number) {
    this.stride = stride;
    this.#indices = Array.from({ length: classes }, () => new Map());
  }

  /** How often the suspect was looked at again, up to three times. */
  looksAt(device: number): number {
    return ((this.flags[device] as number) & LOOKS_MASK) >> LOOKS_SHIFT;
  }

  setLooks(device: number, looks: number): void {
    this.flags[device] = ((this.flags[device] as number) & ~LOOKS_MASK) | (looks << LOOKS_SHIFT);
  }

  /** Devices in the table. */
  get size(): number {
    return this.#size;
  }

  /** One past the highest index in use; some below may be free. */
  get end(): number {
    return this.#end;
  }

  /** −1 for a device that is not in the table. */
  indexOf(classIndex: number, name: string): number {
    return this.#indices[classIndex]?.get(name) ?? -1;
  }

  /** The device's name; undefined where the index is free. */
  nameAt(device: number): string | undefined {
    return this.#names[device];
  }

  /** Adds a device with blank columns. It must not be in the table. */
  add(classIndex: number, name: string): number {
    const device = this.#free.pop() ?? this.#end++;
    if (device >= this.state.length) this.#reserve(Math.max(CAPACITY_MIN, Math.ceil(GROWTH * device)));
    this.#indices[classIndex]?.set(name, device);
    this.#names[device] = name;
    this.#size += 1;
    this.#blank(device);
    this.classIndex[device] = classIndex;
    return device;
  }

  remove(device: number): void {
    const name = this.#names[device];
    if (name === undefined) return;
    this.queue.set(device, Infinity);
    this.#indices[this.classIndex[device] as number]?.delete(name);
    this.#names[device] = undefined;
    this.#free.push(device);
    this.#size -= 1;
  }

  /** Indices of all devices, in no meaningful order. */
  *indices(): Generator<number> {
    for (let device = 0; device < this.#end; device += 1) {
      if (this.#names[device] !== undefined) yield device;
    }
  }

  /** The columns by name, for snapshots. */
  columns(): Record<string, Column> {
    const { state, reason, flags, classIndex, since, lastSeenAt, lastBeatAt, expectedBy, suspectAt } = this;
    const { deadAt, nextMs, intervalMs, generation, session, seq, beats, lost, duplicates, site, gateway } =
      this;
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
      nextMs,
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
    this.nextMs[device] = 0;
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

export type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array | Float64Array;
