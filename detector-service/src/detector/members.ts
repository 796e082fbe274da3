/** Who hangs at which location: lists linked through typed arrays, eight bytes a member, whatever a list's length. */

import { capacityFor } from './capacity.ts';

const NONE = -1;

/** The links of all lists, as a device is in one of them at most. */
export class MemberLinks {
  next = new Int32Array(0);
  previous = new Int32Array(0);

  /** Makes room for a device. */
  reserve(device: number): void {
    if (device < this.next.length) return;
    const capacity = capacityFor(device + 1);
    this.next = widened(this.next, capacity);
    this.previous = widened(this.previous, capacity);
  }
}

/** The members of one list, in the order in which they joined. */
export class Members implements Iterable<number> {
  readonly #links: MemberLinks;
  #first = NONE;
  #last = NONE;
  #length = 0;

  constructor(links: MemberLinks) {
    this.#links = links;
  }

  get length(): number {
    return this.#length;
  }

  join(device: number): void {
    this.#links.reserve(device);
    this.#link(this.#last, device);
    this.#link(device, NONE);
    this.#length += 1;
  }

  /** Takes a member out; it must be one. */
  leave(device: number): void {
    const { next, previous } = this.#links;
    this.#link(previous[device] as number, next[device] as number);
    this.#length -= 1;
  }

  /** The member last given may leave meanwhile, no other. */
  *[Symbol.iterator](): Generator<number> {
    for (let device = this.#first; device !== NONE; ) {
      const next = this.#links.next[device] as number;
      yield device;
      device = next;
    }
  }

  #link(before: number, after: number): void {
    const { next, previous } = this.#links;
    if (before === NONE) this.#first = after;
    else next[before] = after;
    if (after === NONE) this.#last = before;
    else previous[after] = before;
  }
}

function widened(links: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(capacity);
  wider.set(links);
  return wider;
}
