/**
 * Orders devices by their next deadline: a 4-ary heap of device indices in typed arrays.
 *
 * A heartbeat nearly always moves a deadline later, so that move is lazy: the entry keeps its old, earlier place
 * and is put right when it surfaces. A beat therefore costs O(1), and each entry surfaces at most once per
 * deadline it had.
 */
const ARITY = 4;
const ABSENT = -1;

export class DeadlineQueue {
  /** The deadline in force per device; may be later than the place in the heap suggests. */
  #deadlines = new Float64Array(0);
  /** The deadline by which the heap is ordered. */
  #keys = new Float64Array(0);
  #heap = new Int32Array(0);
  #places = new Int32Array(0);
  #size = 0;

  /** Makes room for devices 0 … capacity − 1. */
  reserve(capacity: number): void {
    const old = this.#places.length;
    if (capacity <= old) return;
    this.#deadlines = grown(this.#deadlines, new Float64Array(capacity));
    this.#keys = grown(this.#keys, new Float64Array(capacity));
    this.#heap = grown(this.#heap, new Int32Array(capacity));
    this.#places = grown(this.#places, new Int32Array(capacity));
    this.#places.fill(ABSENT, old);
  }

  /** Sets the device's deadline; Infinity takes it out. */
  set(device: number, deadlineAt: number): void {
    const place = this.#places[device] as number;
    if (deadlineAt === Infinity) {
      if (place !== ABSENT) this.#removeAt(place);
      return;
    }
    this.#deadlines[device] = deadlineAt;
    if (place === ABSENT) {
      this.#keys[device] = deadlineAt;
      this.#heap[this.#size] = device;
      this.#places[device] = this.#size;
      this.#size += 1;
      this.#siftUp(this.#size - 1);
    } else if (deadlineAt < (this.#keys[device] as number)) {
      this.#keys[device] = deadlineAt;
      this.#siftUp(place);
    }
  }

  /** The device whose deadline is the earliest and at or before `now`, or −1. It stays until it is set anew. */
  due(now: number): number {
    while (this.#size > 0) {
      const device = this.#heap[0] as number;
      if ((this.#keys[device] as number) > now) return ABSENT;
      const deadlineAt = this.#deadlines[device] as number;
      if (deadlineAt === this.#keys[device]) return device;
      this.#keys[device] = deadlineAt;
      this.#siftDown(0);
    }
    return ABSENT;
  }

  /** An instant before which nothing is due; undefined when nothing is queued. May be early, never late. */
  next(): number | undefined {
    return this.#size === 0 ? undefined : this.#keys[this.#heap[0] as number];
  }

  get size(): number {
    return this.#size;
  }

  #removeAt(place: number): void {
    const device = this.#heap[place] as number;
    this.#places[device] = ABSENT;
    this.#size -= 1;
    if (place === this.#size) return;
    const moved = this.#heap[this.#size] as number;
    this.#heap[place] = moved;
    this.#places[moved] = place;
    this.#siftDown(place);
    this.#siftUp(this.#places[moved] as number);
  }

  #siftUp(from: number): void {
    const device = this.#heap[from] as number;
    const key = this.#keys[device] as number;
    let place = from;
    while (place > 0) {
      const parentPlace = (place - 1) >> 2;
      const parent = this.#heap[parentPlace] as number;
      if ((this.#keys[parent] as number) <= key) break;
      this.#heap[place] = parent;
      this.#places[parent] = place;
      place = parentPlace;
    }
    this.#heap[place] = device;
    this.#places[device] = place;
  }

  #siftDown(from: number): void {
    const device = this.#heap[from] as number;
    const key = this.#keys[device] as number;
    let place = from;
    for (;;) {
      const first = place * ARITY + 1;
      if (first >= this.#size) break;
      let smallestPlace = first;
      let smallestKey = this.#keys[this.#heap[first] as number] as number;
      const end = Math.min(first + ARITY, this.#size);
      for (let other = first + 1; other < end; other += 1) {
        const otherKey = this.#keys[this.#heap[other] as number] as number;
        if (otherKey < smallestKey) {
          smallestPlace = other;
          smallestKey = otherKey;
        }
      }
      if (smallestKey >= key) break;
      const child = this.#heap[smallestPlace] as number;
      this.#heap[place] = child;
      this.#places[child] = place;
      place = smallestPlace;
    }
    this.#heap[place] = device;
    this.#places[device] = place;
  }
}

function grown<T extends Float64Array | Int32Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
