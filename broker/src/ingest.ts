/**
 * The way of a device's message into the detector.
 *
 * The PUBACK waits here until the tap has taken the message in. Messages of one client stay in order. When too
 * many are on their way, QoS 0 is not handed over (it promises nothing) and counted; QoS 1 and wills wait, which
 * makes Aedes stop reading that client's socket; waiting clients get their turn one message at a time, so that a
 * flood from one does not starve the others.
 */
import type { BrokerLimits } from './config.ts';
import { Refusal } from './errors.ts';

/** A message of a device on its way into the detector. */
export interface TappedMessage {
  readonly topic: string;
  /** May be a view into a larger buffer: decode or copy it, do not keep it. */
  readonly payload: Uint8Array;
  /** Always false: a live publish is never a retained copy. */
  readonly retained: boolean;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
}

/** Resolves once the message is taken in; the PUBACK waits for it. A rejection or throw means no PUBACK. */
export type Tap = (message: TappedMessage) => void | Promise<void>;

/** `shed` means: not handed over, because the detector is busy and the message promised nothing. */
export type Taken = 'taken' | 'shed' | Refusal;

interface Waiting {
  readonly message: TappedMessage;
  readonly done: (taken: Taken) => void;
}

/** One client's messages on their way. */
export interface Lane {
  pending: number;
  readonly waiting: Waiting[];
}

export function createLane(): Lane {
  return { pending: 0, waiting: [] };
}

export class Ingest {
  readonly #tap: Tap;
  readonly #limits: BrokerLimits;
  /** Lanes whose next message could go if there was room in total, the longest waiting first. */
  readonly #stalled = new Set<Lane>();
  #pending = 0;
  #idle: (() => void)[] = [];

  constructor(tap: Tap, limits: BrokerLimits) {
    this.#tap = tap;
    this.#limits = limits;
  }

  /** Messages handed to the tap and not yet taken in. */
  get pending(): number {
    return this.#pending;
  }

  /** Calls `done` exactly once, possibly before it returns. `mayShed`: nobody was promised anything. */
  take(lane: Lane, message: TappedMessage, mayShed: boolean, done: (taken: Taken) => void): void {
    if (lane.waiting.length === 0 && this.#hasRoom(lane)) {
      this.#hand(lane, { message, done });
    } else if (mayShed) {
      done('shed');
    } else {
      lane.waiting.push({ message, done });
      if (lane.pending < this.#limits.pendingTapsPerClientMax) this.#stalled.add(lane);
    }
  }

  /** Resolves when nothing is on its way any more. */
  whenIdle(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #hasRoom(lane: Lane): boolean {
    return this.#pending < this.#limits.pendingTapsMax && lane.pending < this.#limits.pendingTapsPerClientMax;
  }

  #hand(lane: Lane, { message, done }: Waiting): void {
    let result: void | Promise<void>;
    try {
      result = this.#tap(message);
    } catch (error) {
      done(rejected(error));
      return;
    }
    if (typeof result?.then !== 'function') {
      done('taken');
      return;
    }
    this.#pending += 1;
    lane.pending += 1;
    let settled = false;
    const settle = (taken: Taken): void => {
      if (settled) return;
      settled = true;
      clearTimeout(deadline);
      this.#pending -= 1;
      lane.pending -= 1;
      done(taken);
      this.#resume(lane);
    };
    const { tapTimeoutMs } = this.#limits;
    const deadline = setTimeout(
      () => settle(new Refusal('tap-timeout', `not taken in within ${tapTimeoutMs} ms`)),
      tapTimeoutMs,
    ).unref(); // the listening socket keeps the process alive, a stuck detector does not
    result.then(
      () => settle('taken'),
      (error: unknown) => settle(rejected(error)),
    );
  }

  #resume(lane: Lane): void {
    if (lane.waiting.length > 0) this.#stalled.add(lane);
    for (const next of this.#stalled) {
      if (this.#pending >= this.#limits.pendingTapsMax) break;
      this.#stalled.delete(next);
      const waiting = this.#hasRoom(next) ? next.waiting.shift() : undefined;
      if (waiting === undefined) continue;
      this.#hand(next, waiting);
      if (next.waiting.length > 0 && this.#hasRoom(next)) this.#stalled.add(next);
    }
    if (this.#pending === 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}

function rejected(error: unknown): Refusal {
  return new Refusal('tap-rejected', error instanceof Error ? error.message : String(error));
}
