/**
 * Several brokers of which one serves at a time, such as one and its standby: an attempt to connect asks each in turn
 * until one accepts, and begins with the one that did last.
 */
import type {
  Connection,
  ConnectionEvents,
  ConnectRequest,
  OutgoingMessage,
  Transport,
} from './transport.ts';

/** The URLs in a text: one, or several with commas between. A comma within one is written `%2C`. */
export function brokerUrls(text: string): [first: string, ...others: string[]] {
  const [first = '', ...others] = text.split(',').map((url) => url.trim());
  return [first, ...others];
}

/** Opens connections over the first of them that accepts. */
export function firstThatAccepts(transports: readonly Transport[]): Transport {
  const round: Round = { transports, startsAt: 0 };
  return transports.length === 1
    ? (transports[0] as Transport)
    : { open: (...call) => new Search(round, ...call) };
}

/** Shared by all connections, since what one of them finds out is worth something to the next. */
interface Round {
  readonly transports: readonly Transport[];
  startsAt: number;
}

class Search implements Connection {
  readonly #round: Round;
  readonly #request: ConnectRequest;
  readonly #events: ConnectionEvents;
  readonly #reasons: string[] = [];
  #line: Connection;
  #isGivenUp = false;

  constructor(round: Round, request: ConnectRequest, events: ConnectionEvents) {
    this.#round = round;
    this.#request = request;
    this.#events = events;
    this.#line = this.#ask(round.startsAt);
  }

  #ask(index: number): Connection {
    const transport = this.#round.transports[index] as Transport;
    let isOpen = false;
    return transport.open(this.#request, {
      opened: () => {
        isOpen = true;
        this.#events.opened();
      },
      message: (topic, payload) => this.#events.message(topic, payload),
      closed: (error) => {
        if (isOpen) this.#events.closed(error);
        else this.#refused(index, error);
      },
    });
  }

  #refused(index: number, error: Error | undefined): void {
    const { transports, startsAt } = this.#round;
    const next = (index + 1) % transports.length;
    if (startsAt === index) this.#round.startsAt = next; // else another connection has found that out
    this.#reasons.push(error?.message ?? 'no answer');
    if (this.#isGivenUp) this.#events.closed(error);
    else if (this.#reasons.length < transports.length) this.#line = this.#ask(next);
    else this.#events.closed(new Error(this.#reasons.join('; '), { cause: error }));
  }

  publish(message: OutgoingMessage, done: (error?: Error) => void): void {
    this.#line.publish(message, done);
  }

  subscribe(topic: string, done: (error?: Error) => void): void {
    this.#line.subscribe(topic, done);
  }

  end(): void {
    this.#isGivenUp = true;
    this.#line.end();
  }

  destroy(): void {
    this.#isGivenUp = true;
    this.#line.destroy();
  }
}
