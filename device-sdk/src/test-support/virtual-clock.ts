/** A clock that stands still until told; timers fire in order of their instant, then of their making. */
import type { Clock, Timer } from '../clock.ts';

interface Alarm {
  readonly at: number;
  readonly fire: () => void;
}

export class VirtualClock implements Clock {
  #now = 0;
  readonly #startedAt: number;
  readonly #alarms = new Set<Alarm>();

  constructor(startedAt = Date.UTC(2026, 0, 1)) {
    this.#startedAt = startedAt;
  }

  now(): number {
    return this.#now;
  }

  epochMs(): number {
    return this.#startedAt + this.#now;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const alarm = { at: this.#now + Math.max(0, delayMs), fire };
    this.#alarms.add(alarm);
    return { cancel: () => this.#alarms.delete(alarm) };
  }

  /** Alarms that are still set; none may be left when everything has stopped. */
  get pending(): number {
    return this.#alarms.size;
  }

  /** Lets time pass, and everything happen that falls due meanwhile. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#earliest(); next !== undefined && next.at <= until; next = this.#earliest()) {
      this.#now = next.at;
      this.#alarms.delete(next);
      next.fire();
    }
    this.#now = until;
  }

  #earliest(): Alarm | undefined {
    let earliest: Alarm | undefined;
    for (const alarm of this.#alarms) if (earliest === undefined || alarm.at < earliest.at) earliest = alarm;
    return earliest;
  }
}
