/**
 * A radio whose gateway speaks MQTT for the device. What the device calls a connection is its gateway's affair: it
 * opens at once, answers at once and never breaks. Each message then travels alone, and may not arrive.
 */
import type { Clock, Connection, ConnectionEvents, OutgoingMessage } from '@slowbeat/device-sdk';
import type { VirtualBroker } from './virtual-broker.ts';
import type { Weather } from './weather.ts';

type Done = (error?: Error) => void;

/** Where its messages travel. */
export interface Air {
  readonly clock: Clock;
  readonly weather: Weather;
  readonly broker: VirtualBroker;
  readonly passes: { readonly up: boolean };
  closed(connection: DatagramConnection): void;
}

export class DatagramConnection implements Connection {
  readonly #air: Air;
  readonly #events: ConnectionEvents;
  #state: 'opening' | 'open' | 'closed' = 'opening';
  #isDeaf = false;

  constructor(air: Air, events: ConnectionEvents) {
    this.#air = air;
    this.#events = events;
    this.#soon(() => {
      if (this.#state !== 'opening') return;
      this.#state = 'open';
      this.#events.opened();
    });
  }

  publish({ topic, payload }: OutgoingMessage, done: Done): void {
    if (this.#refuses(done)) return;
    this.#soon(() => {
      if (this.#state === 'open') done();
    });
    const { clock, weather, broker, passes } = this.#air;
    if (!passes.up || weather.loses(clock.now())) return;
    for (let copies = weather.doubles() ? 2 : 1; copies > 0; copies--) {
      clock.setTimer(weather.drawDelayMs(), () => broker.publish(topic, payload));
    }
  }

  /** Nothing comes down: a device whose radio sleeps cannot be spoken to. */
  subscribe(_topic: string, done: Done): void {
    if (this.#refuses(done)) return;
    this.#soon(() => {
      if (this.#state === 'open') done();
    });
  }

  end(): void {
    this.#close();
  }

  destroy(): void {
    this.#close();
  }

  deafen(): void {
    this.#isDeaf = true;
  }

  #refuses(done: Done): boolean {
    if (this.#state === 'open') return false;
    this.#air.clock.setTimer(0, () => done(new Error('not connected')));
    return true;
  }

  #close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#air.closed(this);
    this.#soon(() => this.#events.closed());
  }

  /** Calls to the program come later, and to a program that runs. */
  #soon(call: () => void): void {
    this.#air.clock.setTimer(0, () => {
      if (!this.#isDeaf) call();
    });
  }
}
