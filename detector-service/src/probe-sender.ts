/**
 * Sends pings to suspects, at a bounded rate: what falls silent in thousands at once has a cause that no device can
 * answer for, and a broker in trouble is not helped by questions.
 */
import type { Clock } from '@slowbeat/device-sdk';
import { encode, topicFor } from '@slowbeat/device-sdk/protocol';
import type { Probe } from './detector/index.ts';

/** Pings at once, and in each second after. */
const BURST = 100;
const PER_SECOND = 100;

export interface ProbeSenderOptions {
  readonly root: string;
  /** Resolves when the broker has acknowledged. */
  readonly send: (topic: string, payload: Uint8Array) => Promise<void>;
  readonly clock: Clock;
}

export class ProbeSender {
  readonly #options: ProbeSenderOptions;
  #allowance = BURST;
  #countedAt: number;
  #nonce = 0;
  #sent = 0;
  #dropped = 0;

  constructor(options: ProbeSenderOptions) {
    this.#options = options;
    this.#countedAt = options.clock.now();
  }

  get sent(): number {
    return this.#sent;
  }

  /** Not sent, because there were too many or the broker did not take them. The suspicion takes its course. */
  get dropped(): number {
    return this.#dropped;
  }

  ask(probes: readonly Probe[]): void {
    if (probes.length === 0) return;
    const now = this.#options.clock.now();
    this.#allowance = Math.min(BURST, this.#allowance + ((now - this.#countedAt) * PER_SECOND) / 1000);
    this.#countedAt = now;
    for (const { deviceClass, device } of probes) {
      if (this.#allowance < 1) {
        this.#dropped += 1;
        continue;
      }
      this.#allowance -= 1;
      this.#nonce += 1;
      const topic = topicFor(this.#options.root, deviceClass, device, 'ping');
      this.#options.send(topic, encode('ping', { nonce: this.#nonce })).then(
        () => {
          this.#sent += 1;
        },
        () => {
          this.#dropped += 1;
        },
      );
    }
  }
}
