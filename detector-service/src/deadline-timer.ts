import type { Clock, Timer } from '@slowbeat/device-sdk';

/**
 * One timer for the whole fleet's next deadline.
 *
 * A deadline that moves away, as it does with every beat, leaves the timer alone: it fires early, nothing is due
 * yet, and it is armed again. That is cheaper than a new timer per beat.
 */
export class DeadlineTimer {
  readonly #clock: Clock;
  readonly #fire: () => void;
  #armed: { readonly timer: Timer; readonly at: number } | undefined;
  #isCancelled = false;

  constructor(clock: Clock, fire: () => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** Fires at `next` at the latest; `undefined` asks for nothing. */
  arm(next: number | undefined, now: number): void {
    if (next === undefined || this.#isCancelled) return;
    if (this.#armed !== undefined && this.#armed.at <= next) return;
    this.#armed?.timer.cancel();
    const timer = this.#clock.setTimer(Math.max(1, next - now), () => {
      this.#armed = undefined;
      this.#fire();
    });
    this.#armed = { timer, at: next };
  }

  /** For good. */
  cancel(): void {
    this.#isCancelled = true;
    this.#armed?.timer.cancel();
  }
}
