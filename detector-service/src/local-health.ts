/**
 * Could this monitor hear? Turns links that break, pauses and restarts into the evidence that opens and ends
 * blind time. Pure: instants in, evidence out.
 *
 * Blind while at least one cause lasts; the first opens blind time, the end of the last one ends it.
 */
import type { MonitorEvidence } from './detector/index.ts';
import type { Gap } from './monotonic-time.ts';

export interface TimedEvidence {
  readonly evidence: MonitorEvidence;
  readonly at: number;
}

/** `restart` from the last sign of life of the run before; `broker-link` while no broker can be heard. */
export type LastingCause = 'restart' | 'broker-link';

export class LocalHealth {
  readonly #causes = new Set<LastingCause>();
  #blindSinceAt: number | undefined;
  #blindMs = 0;

  get blind(): boolean {
    return this.#blindSinceAt !== undefined;
  }

  get blindSinceAt(): number | undefined {
    return this.#blindSinceAt;
  }

  /** Blind time in this run so far, for a metric. */
  blindMs(now: number): number {
    return this.#blindMs + (this.#blindSinceAt === undefined ? 0 : Math.max(0, now - this.#blindSinceAt));
  }

  began(cause: LastingCause, at: number): TimedEvidence[] {
    this.#causes.add(cause);
    if (this.blind) return [];
    this.#blindSinceAt = at;
    return [{ evidence: { kind: 'monitor', up: false, cause }, at }];
  }

  ended(cause: LastingCause, at: number): TimedEvidence[] {
    if (!this.#causes.delete(cause) || this.#causes.size > 0 || this.#blindSinceAt === undefined) return [];
    this.#blindMs += Math.max(0, at - this.#blindSinceAt);
    this.#blindSinceAt = undefined;
    return [{ evidence: { kind: 'monitor', up: true, cause }, at }];
  }

  /** A stretch that is over by the time it is noticed. Inside longer blind time it adds nothing. */
  missed({ fromAt, untilAt, cause }: Gap): TimedEvidence[] {
    if (this.blind) return [];
    this.#blindMs += untilAt - fromAt;
    return [
      { evidence: { kind: 'monitor', up: false, cause }, at: fromAt },
      { evidence: { kind: 'monitor', up: true, cause }, at: untilAt },
    ];
  }
}
