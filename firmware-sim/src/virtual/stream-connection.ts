/**
 * MQTT over TCP between a device and the broker, either end of which may go without the other knowing.
 *
 * Keepalive pings are not sent one by one: while packets pass they change nothing. When they cease to pass, it is
 * reckoned which ping was the last, and either end gives the other up one and a half keepalives after it.
 */
import type {
  Clock,
  Connection,
  ConnectionEvents,
  ConnectRequest,
  OutgoingMessage,
  Timer,
} from '@slowbeat/device-sdk';
import { Stream } from './stream.ts';
import type { Session, VirtualBroker } from './virtual-broker.ts';
import type { Weather } from './weather.ts';

type Done = (error?: Error) => void;

/** Where a connection runs. */
export interface Road {
  readonly clock: Clock;
  readonly weather: Weather;
  readonly broker: VirtualBroker;
  /** Whether packets get through: the device's, and the broker's. */
  readonly passes: { readonly up: boolean; readonly down: boolean };
  /** The device's end is gone. */
  closed(connection: StreamConnection): void;
}

/** The broker waits, and the device's network stack gives up, after so many keepalives without a word. */
const KEEPALIVES = 1.5;

export class StreamConnection implements Connection, Session {
  readonly request: ConnectRequest;
  readonly #road: Road;
  readonly #events: ConnectionEvents;
  readonly #up: Stream;
  readonly #down: Stream;
  #state: 'opening' | 'open' | 'ending' | 'closed' = 'opening';
  /** The program behind the socket has stopped. */
  #isDeaf = false;
  #lastSentMs: number;
  #deviceNotices: Timer | undefined;
  #brokerNotices: Timer | undefined;

  constructor(road: Road, request: ConnectRequest, events: ConnectionEvents) {
    const { clock, weather, passes } = road;
    this.request = request;
    this.#road = road;
    this.#events = events;
    this.#lastSentMs = clock.now();
    this.#up = new Stream(clock, weather, () => passes.up);
    this.#down = new Stream(clock, weather, () => passes.down);
    // SYN there, SYN-ACK back, CONNECT there, CONNACK back.
    this.#up.send(() => this.#down.send(() => this.#established()));
  }

  publish(message: OutgoingMessage, done: Done): void {
    this.#ask(message.qos === 1, done, () => this.#arrived(message));
  }

  subscribe(topic: string, done: Done): void {
    this.#ask(true, done, () => this.#road.broker.subscribe(this, topic));
  }

  end(): void {
    if (this.#state === 'opening') this.destroy();
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#send(() => {
      this.#road.broker.drop(this, false);
      this.#down.send(() => this.#close());
    });
  }

  destroy(): void {
    this.#breakOff();
  }

  /** At the broker. */
  ended(why: string): void {
    this.#brokerNotices?.cancel();
    if (this.#state !== 'closed') this.#down.send(() => this.#close(new Error(why)));
  }

  /** At the broker. */
  receive(topic: string, payload: Uint8Array): void {
    this.#down.send(() => {
      if (this.#state === 'open' && !this.#isDeaf) this.#events.message(topic, payload);
    });
  }

  /** The link breaks, and both ends see it. */
  cut(): void {
    const { clock, broker, weather } = this.#road;
    clock.setTimer(weather.drawDelayMs(), () => broker.drop(this, true));
    this.#close(new Error('the simulated link is down'));
  }

  /** Packets have ceased to pass, one way or both. */
  lost(): void {
    this.found();
    const { keepaliveS } = this.request;
    if (keepaliveS === 0 || this.#state === 'closed') return;
    const { clock, passes } = this.#road;
    const noticeMs = this.#noticeMs();
    this.#deviceNotices = clock.setTimer(noticeMs, () => this.#breakOff(new Error('keepalive timed out')));
    if (!passes.up) this.#brokerNotices = clock.setTimer(noticeMs, () => this.#givenUp());
  }

  /** Packets pass again. */
  found(): void {
    this.#deviceNotices?.cancel();
    if (this.#state !== 'closed') this.#brokerNotices?.cancel();
  }

  /** The firmware hangs: its network stack goes on without it. */
  deafen(): void {
    this.#isDeaf = true;
  }

  /** Power is gone. The broker learns of it from the network at once, or from silence. */
  powerOff(vanishes: boolean): void {
    this.#isDeaf = true;
    if (!vanishes) this.#breakOff();
    else {
      this.#close();
      this.#abandon();
    }
  }

  #established(): void {
    if (this.#state !== 'opening') return;
    if (!this.#road.broker.isUp) {
      this.#close(new Error('the broker refuses the connection'));
      return;
    }
    this.#send(() => {
      if (!this.#road.broker.isUp) return;
      this.#road.broker.connect(this);
      this.#down.send(() => {
        if (this.#state !== 'opening') return;
        this.#state = 'open';
        if (!this.#isDeaf) this.#events.opened();
      });
    });
  }

  /** At the broker. */
  #arrived({ topic, payload }: OutgoingMessage): void {
    const { broker, weather, clock } = this.#road;
    broker.publish(topic, payload);
    if (weather.doubles()) clock.setTimer(weather.drawDelayMs(), () => broker.publish(topic, payload));
  }

  #ask(answered: boolean, done: Done, arrive: () => void): void {
    const { clock, broker } = this.#road;
    if (this.#state !== 'open') {
      clock.setTimer(0, () => done(new Error('not connected')));
      return;
    }
    const finish = (): void => {
      if (this.#state === 'open' && !this.#isDeaf) done();
    };
    if (!answered) clock.setTimer(0, finish);
    this.#send(() => {
      if (!broker.holds(this)) return;
      arrive();
      if (answered) this.#down.send(finish);
    });
  }

  #send(arrive: () => void): void {
    this.#lastSentMs = this.#road.clock.now();
    this.#up.send(arrive);
  }

  /** The device's end resets the connection, if it still can. */
  #breakOff(error?: Error): void {
    if (this.#state === 'closed') return;
    const { broker } = this.#road;
    const heard = this.#up.sendOnce(() => broker.drop(this, true));
    this.#close(error);
    if (!heard) this.#abandon();
  }

  /** The broker hears nothing from this end any more, whatever the network does. */
  #abandon(): void {
    const { clock } = this.#road;
    if (this.request.keepaliveS === 0) return;
    this.#brokerNotices ??= clock.setTimer(this.#noticeMs(), () => this.#givenUp());
  }

  #givenUp(): void {
    const { broker } = this.#road;
    if (!broker.holds(this)) return;
    broker.drop(this, true);
    this.ended('the broker heard nothing for too long');
  }

  /** How long from now until silence since the last ping is noticed. */
  #noticeMs(): number {
    const keepaliveMs = 1000 * this.request.keepaliveS;
    const sinceSentMs = this.#road.clock.now() - this.#lastSentMs;
    return KEEPALIVES * keepaliveMs - (sinceSentMs % keepaliveMs);
  }

  #close(error?: Error): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#up.stop();
    this.#down.stop();
    this.#deviceNotices?.cancel();
    this.#road.closed(this);
    this.#road.clock.setTimer(0, () => {
      if (!this.#isDeaf) this.#events.closed(error);
    });
  }
}
