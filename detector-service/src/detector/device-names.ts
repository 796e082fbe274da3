import { NameArena } from './name-arena.ts';
import type { Uint16Column } from './record-column.ts';

const FREE = -1;
const GROWTH = 1.25;
/** The table grows when more than this share of it is used. */
const FULL = 0.7;
const SLOTS_MIN = 64;
/** Slots looked at for one name. Of honest names about one in a million finds no place among so many. */
const PROBES = 64;
const TWO_32 = 2 ** 32;

/**
 * Which device has this name: two numbers per device in an open-addressing hash table, beside the names themselves.
 * A Map from string to number would cost a hundred bytes per device and as much memory traffic as all else together.
 *
 * The hash has no secret, because the core throws no dice, so somebody may choose names that collide. He gains
 * nothing: a name that finds no place within a few dozen slots goes into a Map, whose hash is secret.
 */
export class DeviceNames {
  readonly #classIndex: Uint16Column;
  readonly #arena = new NameArena();
  /** The reference to each device's name. */
  #references = new Int32Array(0);
  /** Hash and device of each slot, side by side. */
  #slots = emptySlots(SLOTS_MIN);
  #used = 0;
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
    this.#references = new Int32Array(Math.max(devices, Math.ceil(GROWTH * old.length)));
    this.#references.set(old);
    this.#references.fill(FREE, old.length);
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
      const device = slots[at + 1] as number;
      if (device === FREE) break;
      if (slots[at] === hash && this.#is(device, classIndex, name)) return device;
      at = at + 2 < slots.length ? at + 2 : 0;
    }
    return this.#others.size === 0 ? FREE : (this.#others.get(keyOf(classIndex, name)) ?? FREE);
  }

  /** Gives a device its name, which no other of its class may have; its class must be known. */
  add(device: number, name: string): void {
    if (2 * (this.#used + 1) > FULL * this.#slots.length) this.#widen();
    this.#references[device] = this.#arena.add(name);
    const classIndex = this.#classIndex.get(device);
    if (!this.#insert(hashOf(classIndex, name), device)) {
      this.#others.set(keyOf(classIndex, name), device);
    }
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

  #insert(hash: number, device: number): boolean {
    const slots = this.#slots;
    let at = homeOf(hash, slots);
    for (let probe = 0; probe < PROBES; probe += 1) {
      if (slots[at + 1] === FREE) {
        slots[at] = hash;
        slots[at + 1] = device;
        this.#used += 1;
        return true;
      }
      at = at + 2 < slots.length ? at + 2 : 0;
    }
    return false;
  }

  /** Empties a slot, and moves up those behind it that were displaced past it: a search ends at the first empty slot. */
  #free(device: number, hash: number): void {
    const slots = this.#slots;
    const { length } = slots;
    let gap = homeOf(hash, slots);
    while (slots[gap + 1] !== device) gap = (gap + 2) % length;
    for (let at = (gap + 2) % length; slots[at + 1] !== FREE; at = (at + 2) % length) {
      const displaced = (at - homeOf(slots[at] as number, slots) + length) % length;
      if (displaced < (at - gap + length) % length) continue;
      slots[gap] = slots[at] as number;
      slots[gap + 1] = slots[at + 1] as number;
      gap = at;
    }
    slots[gap + 1] = FREE;
    this.#used -= 1;
  }

  #widen(): void {
    const old = this.#slots;
    this.#slots = emptySlots(Math.ceil((GROWTH * old.length) / 2));
    this.#used = 0;
    for (let at = 0; at < old.length; at += 2) {
      const device = old[at + 1] as number;
      if (device === FREE) continue;
      if (!this.#insert(old[at] as number, device)) {
        this.#others.set(keyOf(this.#classIndex.get(device), this.at(device)), device);
      }
    }
  }
}

function emptySlots(count: number): Int32Array {
  return new Int32Array(2 * count).fill(FREE);
}

/** Where the search for a hash begins. Greater hashes lie further on, so that a wider table is filled in one sweep. */
function homeOf(hash: number, slots: Int32Array): number {
  return 2 * Math.floor((hash >>> 0) * (slots.length / 2 / TWO_32));
}

/** FNV-1a over UTF-16 code units, then the mixing steps of MurmurHash3. */
function hashOf(classIndex: number, name: string): number {
  let hash = 0x811c9dc5 ^ classIndex;
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

const keyOf = (classIndex: number, name: string): string => `${classIndex}/${name}`;
