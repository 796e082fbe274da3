/**
 * Virtual time: it passes only while something happens in it, so that a month takes seconds.
 *
 * What is due happens in the order of its instant and, at the same instant, in the order in which it was asked for:
 * nothing depends on anything but the calls made. Instants are whole milliseconds, as those of a machine's wall
 * clock; a timer that would fall between two fires at the later.
 */
import type { Clock, Timer } from '@slowbeat/device-sdk';

interface Alarm {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
  /** Where it stands in the heap; −1 when it does not. */
  place: number;
}

export class VirtualClock implements Clock {
  readonly #startedAt: number;
  /** A binary heap: each alarm is due no later than the two below it. */
  readonly #heap: Alarm[] = [];
  #now = 0;
  #made = 0;

  /** @param startedAt epoch milliseconds, whole */
  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  now(): number {
    return this.#now;
  }

  epochMs(): number {
    return this.#startedAt + this.#now;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const at = Math.ceil(this.#now + Math.max(0, delayMs));
    const alarm: Alarm = { at, order: this.#made++, fire, place: -1 };
    this.#heap.push(alarm);
    this.#rise(alarm, this.#heap.length - 1);
    return { cancel: () => this.#remove(alarm) };
  }

  /** Alarms that are set. */
  get pending(): number {
    return this.#heap.length;
  }

  /**
   * Lets happen what is due up to an instant, but no more than `eventsMax` of it at a time; true when that was all,
   * and the instant has come.
   *
   * @param untilMs milliseconds from the start
   */
  run(untilMs: number, eventsMax = Infinity): boolean {
    for (let events = 0; events < eventsMax; events++) {
      const next = this.#heap[0];
      if (next === undefined || next.at > untilMs) {
        this.#now = Math.max(this.#now, untilMs);
        return true;
      }
      this.#now = next.at;
      this.#remove(next);
      next.fire();
    }
    return false;
  }

  #remove(alarm: Alarm): void {
    const { place } = alarm;
    if (place < 0) return;
    alarm.place = -1;
    const last = this.#heap.pop() as Alarm;
    if (last === alarm) return;
    const parent = this.#heap[(place - 1) >> 1];
    if (place > 0 && isBefore(last, parent as Alarm)) this.#rise(last, place);
    else this.#fall(last, place);
  }

  #rise(alarm: Alarm, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above] as Alarm;
      if (!isBefore(alarm, parent)) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(alarm, place);
  }

  #fall(alarm: Alarm, from: number): void {
    let place = from;
    while (true) {
      const left = 2 * place + 1;
      const right = this.#heap[left + 1];
      let child = this.#heap[left];
      if (child === undefined) break;
      if (right !== undefined && isBefore(right, child)) child = right;
      if (!isBefore(child, alarm)) break;
      const below = child.place;
      this.#put(child, place);
      place = below;
    }
    this.#put(alarm, place);
  }

  #put(alarm: Alarm, place: number): void {
    this.#heap[place] = alarm;
    alarm.place = place;
  }
}

function isBefore(a: Alarm, b: Alarm): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
