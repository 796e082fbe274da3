/**
 * Everything known about every device, as columns of numbers indexed by device.
 *
 * An object per device would cost several times the memory and make a fleet of a million unusable; numbers also go
 * into a snapshot as they are. Absent instants are NaN, absent counters −1.
 */
import { DeadlineQueue } from './deadline-queue.ts';
import { DeviceNames } from './device-names.ts';
import { DeviceRecords } from './device-records.ts';
import type { Float32Column } from './record-column.ts';

const CLASSES_MAX = 1 << 16;

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
  /** Its silence was called a death since its latest beat. */
  calledDead: 4096,
  /** It has announced sleep before: what sounds like its death may be a goodbye that nobody heard. */
  sleeps: 8192,
} as const;

/** Counters up to three that lie in the `flags` column, by their lowest bit. */
export const COUNT = {
  /** How often a suspect was looked at again. */
  looks: 8,
  /** Beats in time of a device that was dead and must beat more than once to be alive. */
  beatsBack: 10,
} as const;
const COUNT_MASK = 3;

export class DeviceTable {
  /** What the columns lie in, for snapshots. */
  readonly records = new DeviceRecords();
  readonly queue = new DeadlineQueue();

  readonly since = this.records.float64('since', 0);
  readonly lastSeenAt = this.records.float64('lastSeenAt', NaN);
  readonly lastBeatAt = this.records.float64('lastBeatAt', NaN);
  readonly expectedBy = this.records.float64('expectedBy', NaN);
  readonly suspectAt = this.records.float64('suspectAt', Infinity);
  readonly deadAt = this.records.float64('deadAt', Infinity);
  readonly generation = this.records.float64('generation', -1);
  readonly session = this.records.float64('session', -1);
  readonly seq = this.records.float64('seq', -1);
  /** What the last beat announced; 0 for nothing. */
  readonly nextMs = this.records.float32('nextMs', 0);
  readonly intervalMs = this.records.float32('intervalMs', 0);
  /** Memory of mistakes, see `flapping.ts`; in hours, of which this kind of number can tell the minutes. */
  readonly flapsUntilH = this.records.float32('flapsUntilH', Number.NEGATIVE_INFINITY);
  readonly beats = this.records.int32('beats', 0);
  readonly lost = this.records.int32('lost', 0);
  readonly duplicates = this.records.int32('duplicates', 0);
  /** Where it hangs, see `location.ts`. */
  readonly location = this.records.int32('location', 0);
  readonly state = this.records.uint16('state', 0);
  readonly reason = this.records.uint16('reason', 0);
  readonly flags = this.records.uint16('flags', 0);
  readonly classIndex = this.records.uint16('classIndex', 0);
  /** What the class's algorithm has learned of the device: a row of `slots` numbers. */
  readonly learned: Float32Column;
  readonly slots: number;

  readonly #names = new DeviceNames(this.classIndex);
  readonly #free: number[] = [];
  #end = 0;

  /**
   * @param classes number of classes
   * @param slots numbers to learn per device, the most that any class needs
   * @throws RangeError when there are more classes than their column can tell apart
   */
  constructor(classes: number, slots: number) {
    if (classes > CLASSES_MAX) throw new RangeError(`${classes} classes; at most ${CLASSES_MAX}`);
    this.slots = slots;
    this.learned = this.records.float32('learned', 0, slots);
  }

  /** One of the counters of {@link COUNT}. */
  count(device: number, counter: number): number {
    return (this.flags.get(device) >> counter) & COUNT_MASK;
  }

  setCount(device: number, counter: number, value: number): void {
    this.flags.set(device, (this.flags.get(device) & ~(COUNT_MASK << counter)) | (value << counter));
  }

  /** Devices in the table. */
  get size(): number {
    return this.#end - this.#free.length;
  }

  /** One past the highest index in use; some below may be free. */
  get end(): number {
    return this.#end;
  }

  /** −1 for a device that is not in the table. */
  indexOf(classIndex: number, name: string): number {
    return this.#names.find(classIndex, name);
  }

  /** False where the index is free. */
  has(device: number): boolean {
    return this.#names.has(device);
  }

  nameAt(device: number): string {
    return this.#names.at(device);
  }

  /** At least as many bytes as `saveName` writes for all devices together. */
  get nameBytes(): number {
    return this.#names.bytes;
  }

  /** Writes a device's name to `into` at `at`, for snapshots. Returns where it ends. */
  saveName(device: number, into: Buffer, at: number): number {
    return this.#names.save(device, into, at);
  }

  /** Makes room for so many devices at once. */
  reserve(devices: number): void {
    this.records.reserve(devices);
    this.queue.reserve(devices);
    this.#names.reserve(devices);
  }

  /** Adds a device with blank columns. It must not be in the table. */
  add(classIndex: number, name: string): number {
    const device = this.#free.pop() ?? this.#end++;
    this.reserve(device + 1);
    this.records.clear(device);
    this.classIndex.set(device, classIndex);
    this.#names.add(device, name);
    return device;
  }

  remove(device: number): void {
    if (!this.#names.has(device)) return;
    this.queue.set(device, Infinity);
    this.#names.remove(device);
    this.#free.push(device);
  }

  /** Indices of all devices, in no meaningful order. */
  *indices(): Generator<number> {
    for (let device = 0; device < this.#end; device += 1) if (this.has(device)) yield device;
  }
}
