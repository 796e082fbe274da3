/** Gets a goodbye to the broker in bounded time, with at most one attempt to connect for it. */
import type { Clock, Timer } from './clock.ts';
import type { Link } from './link.ts';
import type { OutgoingMessage } from './transport.ts';

export interface FarewellSteps {
  connect(): void;
  /** Introduces the device, if nobody knows it yet: a goodbye of a stranger says nothing. */
  introduce(): void;
  /** The goodbye, as of now. */
  bye(): OutgoingMessage;
  /** Once, and last. */
  finished(byeAcknowledged: boolean): void;
}

export class Farewell {
  readonly #link: Link;
  readonly #steps: FarewellSteps;
  readonly #deadline: Timer;
  #tried = false;
  #acknowledged = false;
  #finished = false;

  constructor(link: Link, clock: Clock, timeoutMs: number, steps: FarewellSteps) {
    this.#link = link;
    this.#steps = steps;
    this.#deadline = clock.setTimer(timeoutMs, () => {
      // Late or not, DISCONNECT goes out if it can: it takes the will back.
      link.close();
      this.#finish();
    });
  }

  /** From whatever state the link is in; `up` and `down` then carry on. */
  begin(): void {
    const { state } = this.#link;
    if (state === 'up') this.up();
    else if (state === 'opening') this.#tried = true;
    else if (state === 'down') {
      this.#tried = true;
      this.#steps.connect();
    }
  }

  up(): void {
    this.#tried = true;
    this.#steps.introduce();
    this.#link.publish(this.#steps.bye(), (error) => {
      this.#acknowledged = error === undefined;
      this.#link.close();
    });
  }

  down(): void {
    if (this.#finished) return;
    if (this.#tried) this.#finish();
    else this.begin();
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#deadline.cancel();
    this.#steps.finished(this.#acknowledged);
  }
}
