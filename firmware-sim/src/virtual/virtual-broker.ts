/**
 * A broker at the far end of every link: sessions by client id, wills, takeovers, subscriptions, restarts. It retains
 * nothing. What it lets through goes to the monitor at once, as the tap of a broker in the same process does.
 */
import type { ConnectRequest } from '@slowbeat/device-sdk';

/** A connection as the broker sees it. */
export interface Session {
  readonly request: ConnectRequest;
  /** The broker has ended it; whether that ever reaches the device is the network's affair. */
  ended(why: string): void;
  /** A message for the device. */
  receive(topic: string, payload: Uint8Array): void;
}

export class VirtualBroker {
  readonly #heard: (topic: string, payload: Uint8Array) => void;
  readonly #sessions = new Map<string, Session>();
  readonly #subscribers = new Map<string, Set<Session>>();
  #isUp = true;

  /** @param heard told of every message that is let through, wills included */
  constructor(heard: (topic: string, payload: Uint8Array) => void) {
    this.#heard = heard;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Takes the client id over from whoever has it; the will of that one is published after this one is in. */
  connect(session: Session): void {
    const { clientId } = session.request;
    const former = this.#sessions.get(clientId);
    this.#sessions.set(clientId, session);
    if (former === undefined) return;
    this.#forget(former);
    former.ended('another connection took over its client id');
    this.#publishWill(former);
  }

  holds(session: Session): boolean {
    return this.#sessions.get(session.request.clientId) === session;
  }

  /** From a device, or from a gateway that speaks for one. */
  publish(topic: string, payload: Uint8Array): void {
    if (!this.#isUp) return;
    this.#heard(topic, payload);
    for (const session of this.#subscribers.get(topic) ?? []) session.receive(topic, payload);
  }

  subscribe(session: Session, topic: string): void {
    const subscribers = this.#subscribers.get(topic) ?? new Set();
    this.#subscribers.set(topic, subscribers.add(session));
  }

  /** The session is over; with its will, unless it said goodbye. Does nothing when it was over before. */
  drop(session: Session, withWill: boolean): void {
    if (!this.holds(session)) return;
    this.#sessions.delete(session.request.clientId);
    this.#forget(session);
    if (withWill) this.#publishWill(session);
  }

  /** Ends every session and accepts none. */
  stop(withWills: boolean): void {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    this.#subscribers.clear();
    if (withWills) for (const session of sessions) this.#publishWill(session);
    this.#isUp = false;
    for (const session of sessions) session.ended('the broker stops');
  }

  start(): void {
    this.#isUp = true;
  }

  #publishWill({ request: { will } }: Session): void {
    if (will !== undefined) this.publish(will.topic, will.payload);
  }

  #forget(session: Session): void {
    for (const [topic, subscribers] of this.#subscribers) {
      if (subscribers.delete(session) && subscribers.size === 0) this.#subscribers.delete(topic);
    }
  }
}
