/**
 * One direction of a TCP connection: what is sent arrives in order or not at all. A lost packet is sent again after
 * a time that doubles (RFC 6298), and what follows waits behind it.
 */
import type { Clock, Timer } from '@slowbeat/device-sdk';
import type { Weather } from './weather.ts';

const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 60_000;

export class Stream {
  readonly #clock: Clock;
  readonly #weather: Weather;
  readonly #isOpen: () => boolean;
  /** What waits for a packet to get through; the packet itself first. */
  readonly #waiting: (() => void)[] = [];
  #retry: Timer | undefined;
  #retryMs = 0;
  #lastArrivalMs = 0;

  /** @param isOpen false while nothing gets through this way */
  constructor(clock: Clock, weather: Weather, isOpen: () => boolean) {
    this.#clock = clock;
    this.#weather = weather;
    this.#isOpen = isOpen;
  }

  /** `arrive` is called at the other end, later. */
  send(arrive: () => void): void {
    this.#waiting.push(arrive);
    if (this.#retry !== undefined) return;
    this.#retryMs = Math.max(RETRY_MS_MIN, 3 * this.#weather.quality.delayMs);
    this.#attempt();
  }

  /** Tries once; false when it is lost. */
  sendOnce(arrive: () => void): boolean {
    if (this.#isLost()) return false;
    this.#deliver(arrive);
    return true;
  }

  /** Nobody sends any more; what is on its way arrives. */
  stop(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#waiting.length = 0;
  }

  #attempt(): void {
    this.#retry = undefined;
    if (!this.#isLost()) {
      for (const arrive of this.#waiting.splice(0)) this.#deliver(arrive);
      return;
    }
    this.#retry = this.#clock.setTimer(this.#retryMs, () => this.#attempt());
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
  }

  #isLost(): boolean {
    return !this.#isOpen() || this.#weather.loses(this.#clock.now());
  }

  #deliver(arrive: () => void): void {
    const now = this.#clock.now();
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, now + this.#weather.drawDelayMs());
    this.#clock.setTimer(this.#lastArrivalMs - now, arrive);
  }
}
