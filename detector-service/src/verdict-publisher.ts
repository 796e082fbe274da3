/**
 * Sends the latest verdict about each device to where people can subscribe to it.
 *
 * Only the latest counts: while the link is down, or slower than the fleet changes its mind, a newer verdict
 * replaces the one that still waits. So what waits is bounded by the number of devices, and the verdicts about one
 * device arrive in order, because the next one is sent only after the last one was acknowledged.
 */
import type { Clock, Timer } from '@slowbeat/device-sdk';

export interface VerdictPublisherOptions {
  /** Resolves when the broker has acknowledged. */
  readonly publish: (topic: string, payload: Uint8Array) => Promise<void>;
  readonly clock: Clock;
  /** Told once per failure; the verdict is sent again. */
  readonly onFailure: (topic: string, error: unknown) => void;
  /** Messages on their way at once: enough to fill a link with a long round trip. */
  readonly inFlightMax?: number;
  /** Wait after a failure before anything is sent again. */
  readonly retryMs?: number;
}

export class VerdictPublisher {
  readonly #options: VerdictPublisherOptions;
  readonly #inFlightMax: number;
  readonly #retryMs: number;
  /** In the order in which devices came to have news. */
  readonly #waiting = new Map<string, () => Uint8Array>();
  readonly #inFlight = new Set<string>();
  #open = false;
  #retry: Timer | undefined;
  #published = 0;
  #idle: (() => void)[] = [];

  constructor(options: VerdictPublisherOptions) {
    this.#options = options;
    this.#inFlightMax = options.inFlightMax ?? 64;
    this.#retryMs = options.retryMs ?? 1000;
  }

  get waiting(): number {
    return this.#waiting.size + this.#inFlight.size;
  }

  get published(): number {
    return this.#published;
  }

  /** Takes the verdict in place of an older one on the same topic; encoded only when its turn comes. */
  put(topic: string, payload: () => Uint8Array): void {
    this.#waiting.set(topic, payload);
    this.#send();
  }

  /** The link can carry messages, or no longer. Nothing is lost while it cannot. */
  set open(open: boolean) {
    this.#open = open;
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#send();
  }

  /** Resolves when nothing waits, at once if the link is down. */
  drained(): Promise<void> {
    if (!this.#open || this.waiting === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #send(): void {
    if (!this.#open || this.#retry !== undefined) return;
    for (const [topic, payload] of this.#waiting) {
      if (this.#inFlight.size >= this.#inFlightMax) return;
      if (this.#inFlight.has(topic)) continue;
      this.#waiting.delete(topic);
      this.#inFlight.add(topic);
      this.#options.publish(topic, payload()).then(
        () => this.#sent(topic),
        (error: unknown) => this.#failed(topic, payload, error),
      );
    }
  }

  #sent(topic: string): void {
    this.#inFlight.delete(topic);
    this.#published++;
    this.#send();
    if (this.waiting === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #failed(topic: string, payload: () => Uint8Array, error: unknown): void {
    this.#inFlight.delete(topic);
    if (!this.#waiting.has(topic)) this.#waiting.set(topic, payload);
    this.#options.onFailure(topic, error);
    if (!this.#open || this.#retry !== undefined) return;
    this.#retry = this.#options.clock.setTimer(this.#retryMs, () => {
      this.#retry = undefined;
      this.#send();
    });
  }
}
