import { capacityFor } from './capacity.ts';
import { hashOf, NameArena } from './name-arena.ts';
import type { Uint16Column } from './record-column.ts';

const FREE = -1;
/** At most this share of the table is used. */
const FULL = 0.8;
/** Slots looked at for one name. Of honest names one in ten thousand finds no place among so many when it is full. */
const PROBES = 128;
const TWO_32 = 2 ** 32;
/** A slot is a device in the lower bits and a tag in the upper ones. */
const DEVICE_BITS = 24;
const DEVICE_MASK = (1 << DEVICE_BITS) - 1;
const TAG_MASK = 0xff;
/** The last number with the last tag would look like a free slot. */
const DEVICES_MAX = DEVICE_MASK;

/**
 * Which device has this name: one number per device in an open-addressing hash table, beside the names themselves.
 * A Map from string to number would cost a hundred bytes per device and as much memory traffic as all else together.
 *
 * The hash has no secret, because the core throws no dice, so somebody may choose names that collide. He gains
 * little: a name that finds no place within a bounded search goes into a Map, whose hash is secret.
 */
export class DeviceNames {
  readonly #classIndex: Uint16Column;
  readonly #arena = new NameArena();
  /** The reference to each device's name. */
  #references = new Int32Array(0);
  /** In each slot a device, and above it the part of its name's hash that its place does not tell. */
  #slots = emptySlots(0);
  /** Names that found no slot, by class and name. */
  readonly #others = new Map<string, number>();

  /** @param classIndex two classes may use the same name */
  constructor(classIndex: Uint16Column) {
    this.#classIndex = classIndex;
  }

  /** Makes room for devices 0 … `devices` − 1. */
  reserve(devices: number): void {
    const old = this.#references;
    if (devices <= old.length) return;
    this.#references = new Int32Array(capacityFor(devices));
    this.#references.set(old);
    this.#references.fill(FREE, old.length);
    this.#widen(this.#references.length / FULL);
  }

  /** True for a device that has a name. */
  has(device: number): boolean {
    return this.#references[device] !== FREE;
  }

  at(device: number): string {
    return this.#arena.at(this.#references[device] as number);
  }

  /** At least as many bytes as `save` writes for all names together. */
  get bytes(): number {
    return this.#arena.bytes;
  }

  /** Copies a name to `into` at `at`, for snapshots. Returns where it ends. */
  save(device: number, into: Buffer, at: number): number {
    return this.#arena.save(this.#references[device] as number, into, at);
  }

  /** The device with that name; −1 for none. */
  find(classIndex: number, name: string): number {
    const slots = this.#slots;
    const hash = hashOf(classIndex, name);
    let at = homeOf(hash, slots);
    for (let probe = 0; probe < PROBES; probe += 1) {
      const slot = slots[at] as number;
      if (slot === FREE) break;
      if (slot >>> DEVICE_BITS === (hash & TAG_MASK) && this.#is(slot & DEVICE_MASK, classIndex, name)) {
        return slot & DEVICE_MASK;
      }
      at = at + 1 < slots.length ? at + 1 : 0;
    }
    return this.#others.size === 0 ? FREE : (this.#others.get(keyOf(classIndex, name)) ?? FREE);
  }

  /** Gives a device its name, which no other of its class may have; its class must be known. */
  add(device: number, name: string): void {
    if (device >= DEVICES_MAX) throw new RangeError(`at most ${DEVICES_MAX} devices`);
    this.#references[device] = this.#arena.add(name);
    this.#enter(device, hashOf(this.#classIndex.get(device), name));
  }

  remove(device: number): void {
    const name = this.at(device);
    const classIndex = this.#classIndex.get(device);
    if (!this.#others.delete(keyOf(classIndex, name))) this.#free(device, hashOf(classIndex, name));
    this.#arena.remove(this.#references[device] as number);
    this.#references[device] = FREE;
  }

  #is(device: number, classIndex: number, name: string): boolean {
    return (
      this.#classIndex.get(device) === classIndex &&
      this.#arena.equals(this.#references[device] as number, name)
    );
  }

  #enter(device: number, hash: number): void {
    const slots = this.#slots;
    let at = homeOf(hash, slots);
    for (let probe = 0; probe < PROBES; probe += 1) {
      if (slots[at] === FREE) {
        slots[at] = ((hash & TAG_MASK) << DEVICE_BITS) | device;
        return;
      }
      at = at + 1 < slots.length ? at + 1 : 0;
    }
    this.#others.set(keyOf(this.#classIndex.get(device), this.at(device)), device);
  }

  /** Empties a slot, and moves up those behind it that were displaced past it: a search ends at the first empty slot. */
  #free(device: number, hash: number): void {
    const slots = this.#slots;
    const { length } = slots;
    let gap = homeOf(hash, slots);
    while (((slots[gap] as number) & DEVICE_MASK) !== device) gap = (gap + 1) % length;
    for (let at = (gap + 1) % length; slots[at] !== FREE; at = (at + 1) % length) {
      const home = homeOf(this.#hashAt((slots[at] as number) & DEVICE_MASK), slots);
      if ((at - home + length) % length < (at - gap + length) % length) continue;
      slots[gap] = slots[at] as number;
      gap = at;
    }
    slots[gap] = FREE;
  }

  #widen(slots: number): void {
    this.#slots = emptySlots(slots);
    this.#others.clear();
    // By device, not by slot: so the names are read in the order in which they lie.
    this.#references.forEach((reference, device) => {
      if (reference !== FREE) this.#enter(device, this.#hashAt(device));
    });
  }

  #hashAt(device: number): number {
    return this.#arena.hash(this.#references[device] as number, this.#classIndex.get(device));
  }
}

function emptySlots(count: number): Int32Array {
  return new Int32Array(capacityFor(count)).fill(FREE);
}

/** Where the search for a hash begins: told by its upper bits, so that the lower ones tell neighbours apart. */
function homeOf(hash: number, slots: Int32Array): number {
  return Math.floor((hash >>> 0) * (slots.length / TWO_32));
}

const keyOf = (classIndex: number, name: string): string => `${classIndex}/${name}`;
