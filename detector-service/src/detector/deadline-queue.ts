/**
 * Orders devices by their next deadline: a 4-ary heap in typed arrays.
 *
 * A heartbeat moves its device's deadline at once. That costs little, although there are a million others: nearly all
 * entries of a heap lie in its last two levels, so one that moves later has a level or two to go. In return what is
 * due is known exactly, and to ask costs nothing however many beats there were since the last time.
 */
const ARITY = 4;
const ABSENT = -1;
const GROWTH = 1.25;

export class DeadlineQueue {
  /** The heap: deadlines, and whose they are. */
  #deadlines = new Float64Array(0);
  #devices = new Int32Array(0);
  /** Where in the heap each device is. */
  #places = new Int32Array(0);
  #size = 0;

  /** Makes room for devices 0 … `devices` − 1. */
  reserve(devices: number): void {
    const old = this.#places.length;
    if (devices <= old) return;
    const capacity = Math.max(devices, Math.ceil(GROWTH * old));
    this.#deadlines = grown(this.#deadlines, new Float64Array(capacity));
    this.#devices = grown(this.#devices, new Int32Array(capacity));
    this.#places = grown(this.#places, new Int32Array(capacity));
    this.#places.fill(ABSENT, old);
  }

  /** Sets the device's deadline; Infinity takes it out. */
  set(device: number, deadlineAt: number): void {
    const place = this.#places[device] as number;
    if (place === ABSENT) {
      if (deadlineAt === Infinity) return;
      this.#size += 1;
      this.#siftUp(this.#size - 1, device, deadlineAt);
    } else if (deadlineAt === Infinity) {
      this.#places[device] = ABSENT;
      this.#size -= 1;
      // The last entry fills the gap.
      const last = this.#devices[this.#size] as number;
      if (last !== device) this.#move(place, last, this.#deadlines[this.#size] as number);
    } else this.#move(place, device, deadlineAt);
  }

  /** The device whose deadline is the earliest and at or before `now`, or −1. It stays until it is set anew. */
  due(now: number): number {
    return this.#size > 0 && (this.#deadlines[0] as number) <= now ? (this.#devices[0] as number) : ABSENT;
  }

  /** The earliest deadline; undefined when nothing is queued. */
  next(): number | undefined {
    return this.#size === 0 ? undefined : this.#deadlines[0];
  }

  get size(): number {
    return this.#size;
  }

  /** Puts a device with its deadline where another entry, or an earlier deadline of its own, was. */
  #move(place: number, device: number, deadlineAt: number): void {
    if (deadlineAt < (this.#deadlines[place] as number)) this.#siftUp(place, device, deadlineAt);
    else this.#siftDown(place, device, deadlineAt);
  }

  #siftUp(from: number, device: number, deadlineAt: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 2;
      if ((this.#deadlines[parent] as number) <= deadlineAt) break;
      this.#put(place, this.#devices[parent] as number, this.#deadlines[parent] as number);
      place = parent;
    }
    this.#put(place, device, deadlineAt);
  }

  #siftDown(from: number, device: number, deadlineAt: number): void {
    let place = from;
    for (;;) {
      const first = place * ARITY + 1;
      if (first >= this.#size) break;
      let child = first;
      let earliest = this.#deadlines[first] as number;
      const end = Math.min(first + ARITY, this.#size);
      for (let other = first + 1; other < end; other += 1) {
        const deadline = this.#deadlines[other] as number;
        if (deadline < earliest) {
          child = other;
          earliest = deadline;
        }
      }
      if (earliest >= deadlineAt) break;
      this.#put(place, this.#devices[child] as number, earliest);
      place = child;
    }
    this.#put(place, device, deadlineAt);
  }

  #put(place: number, device: number, deadlineAt: number): void {
    this.#deadlines[place] = deadlineAt;
    this.#devices[place] = device;
    this.#places[device] = place;
  }
}

function grown<T extends Float64Array | Int32Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
