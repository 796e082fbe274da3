/**
 * The monitor's own time: epoch milliseconds that never run backwards.
 *
 * It is anchored to the wall clock once and then carried by the machine's monotonic clock, because deadlines
 * judged by a wall clock kill a fleet whenever somebody sets the time. What the two clocks say against each
 * other tells when this process could not hear:
 *
 * - a reading comes late on the monotonic clock: the process stood still (stopped, swapped out, blocked);
 * - the wall clock is suddenly ahead: the machine was suspended, since the monotonic clock stands still
 *   meanwhile, or the clock was set forward. Which of both cannot be known, so it counts as not hearing.
 *
 * A wall clock that was set back changes nothing at once: instants already given stay, and own time runs a
 * little slower until the wall has caught up. Slower is the harmless direction, it only delays deadlines.
 */
import type { Clock } from '@slowbeat/device-sdk';

/** A stretch in which this process could not hear. Both ends are epoch milliseconds on own time. */
export interface Gap {
  readonly fromAt: number;
  readonly untilAt: number;
  readonly cause: 'pause' | 'clock-step';
}

export interface Reading {
  readonly at: number;
  /** Set when nothing was heard between the reading before and this one. */
  readonly gap?: Gap;
}

export interface MonotonicTimeOptions {
  readonly clock: Clock;
  /** Readings further apart than this are a gap. Must be longer than the period in which readings are taken. */
  readonly gapMsMin: number;
  /** Own time starts no earlier than this: instants that an earlier run of the monitor has used up. */
  readonly notBeforeAt?: number;
}

/** Share by which own time runs slower while it is ahead of the wall clock: one hour is made good in four days. */
const SLOWER_MAX = 0.01;
/** Share by which it runs faster while it is behind; small, because it makes every beat look late. */
const FASTER_MAX = 0.0005;

export class MonotonicTime {
  readonly #clock: Clock;
  readonly #gapMsMin: number;
  #monotonicMs: number;
  #at: number;

  constructor({ clock, gapMsMin, notBeforeAt = 0 }: MonotonicTimeOptions) {
    this.#clock = clock;
    this.#gapMsMin = gapMsMin;
    this.#monotonicMs = clock.now();
    this.#at = Math.max(clock.epochMs(), notBeforeAt);
  }

  /** The latest instant given out; reads no clock. */
  get latestAt(): number {
    return Math.floor(this.#at);
  }

  /** How far own time is ahead of the wall clock, milliseconds; negative when it is behind. */
  get aheadMs(): number {
    return this.#at + (this.#clock.now() - this.#monotonicMs) - this.#clock.epochMs();
  }

  /** Reads the clocks. Call it at every entry into the monitor, and at least every `gapMsMin / 2`. */
  read(): Reading {
    const monotonicMs = this.#clock.now();
    const elapsedMs = Math.max(0, monotonicMs - this.#monotonicMs);
    const fromAt = this.latestAt;
    const behindMs = this.#clock.epochMs() - (this.#at + elapsedMs);
    this.#monotonicMs = monotonicMs;
    if (behindMs > this.#gapMsMin) {
      this.#at += elapsedMs + behindMs;
      return { at: this.latestAt, gap: { fromAt, untilAt: this.latestAt, cause: 'clock-step' } };
    }
    this.#at += elapsedMs + Math.max(-SLOWER_MAX * elapsedMs, Math.min(FASTER_MAX * elapsedMs, behindMs));
    if (elapsedMs > this.#gapMsMin) {
      return { at: this.latestAt, gap: { fromAt, untilAt: this.latestAt, cause: 'pause' } };
    }
    return { at: this.latestAt };
  }
}
