/** What a device tells its program, one object per event. `stopped` is the last event, and comes exactly once. */
import type { DeviceError } from './errors.ts';

export interface DeviceEvents {
  /** The broker accepted the connection. */
  connect: { readonly session: number };
  /** The broker has the beat (QoS 1: acknowledged it; QoS 0: it is written). */
  beat: {
    readonly seq: number;
    /** Announced time until the next planned beat, milliseconds. */
    readonly nextMs: number;
    /** Publish → PUBACK, milliseconds; only with QoS 1. */
    readonly roundTripMs?: number | undefined;
  };
  /** A planned beat was not sent, or sent and not acknowledged. It is not sent again: the next one tells. */
  missed: { readonly seq: number; readonly reason: 'not-connected' | 'not-acknowledged' };
  /** An established connection ended without our asking. */
  offline: { readonly session: number; readonly error: DeviceError };
  /** The next attempt to connect follows in `delayMs`. */
  reconnect: { readonly attempt: number; readonly delayMs: number };
  /** The detector asked whether we are there, and was answered. */
  ping: { readonly nonce?: number | undefined };
  /** Something failed that the device lives with, such as a refused connection; it goes on by itself. */
  error: { readonly error: DeviceError };
  /** The end. `byeAcknowledged` tells whether the broker has our goodbye. */
  stopped: { readonly byeAcknowledged: boolean };
}

export type DeviceEventName = keyof DeviceEvents;
export type Listener<Event> = (event: Event) => void;

/** A typed emitter of a few lines; a listener that throws cannot harm the device's loop. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Adds a listener and returns how to remove it. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(name, listeners);
    }
    // A wrapper of its own, so that adding the same function twice means two listeners.
    const added: Listener<Events[Name]> = (event) => listener(event);
    listeners.add(added);
    return () => listeners.delete(added);
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    const listeners = this.#listeners.get(name) as Set<Listener<Events[Name]>> | undefined;
    for (const listener of [...(listeners ?? [])]) {
      try {
        listener(event);
      } catch (error) {
        // As EventTarget does in Node: the program's error surfaces as uncaught, not in the middle of our work.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
