import type { Clock } from '@slowbeat/device-sdk';

interface Waiting {
  readonly dueMs: number;
  readonly fire: () => void;
}

/** The two clocks of a machine and its timers, moved by hand. */
export class ManualClock implements Clock {
  #monotonicMs = 0;
  #wallAt: number;
  readonly #timers = new Set<Waiting>();

  constructor(startAt: number) {
    this.#wallAt = startAt;
  }

  now(): number {
    return this.#monotonicMs;
  }

  epochMs(): number {
    return this.#wallAt;
  }

  setTimer(delayMs: number, fire: () => void) {
    const waiting = { dueMs: this.#monotonicMs + Math.max(0, delayMs), fire };
    this.#timers.add(waiting);
    return { cancel: () => void this.#timers.delete(waiting) };
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Lets time pass as it does on a healthy machine: every timer fires when it is due. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined || next.dueMs > endMs) break;
      this.#jump(next.dueMs - this.#monotonicMs);
      this.#timers.delete(next);
      next.fire();
      // What a timer began may await something that is there already.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#jump(endMs - this.#monotonicMs);
  }

  /** The process stands still: time passes and no timer fires. */
  freeze(ms: number): void {
    this.#jump(ms);
  }

  /** Somebody sets the wall clock. */
  setWall(at: number): void {
    this.#wallAt = at;
  }

  #jump(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallAt += ms;
  }
}
