/** The real detector core at the broker: hears what the broker lets through, at the instant at which it does. */
import {
  type ClassConfig,
  Detector,
  type DeviceEvidence,
  type Evidence,
  type Outcome,
  type Transition,
} from '@slowbeat/detector-service/detector';
import type { Clock, Timer } from '@slowbeat/device-sdk';
import { evidenceOf } from './evidence-of.ts';

export interface MonitorEvents {
  /** Before the detector is told. */
  onEvidence?: ((evidence: Evidence, at: number) => void) | undefined;
  /** After it was told. */
  onHeard?: ((evidence: DeviceEvidence, outcome: Outcome, at: number) => void) | undefined;
  onTransition?: ((transition: Transition) => void) | undefined;
}

export class VirtualMonitor {
  readonly detector: Detector;
  /** What became of what was heard. */
  readonly outcomes: Partial<Record<Outcome, number>> = {};
  readonly #clock: Clock;
  readonly #events: MonitorEvents;
  /** Reasons for which nothing is heard now, one per outage under way. */
  #deafness = 0;
  /** What the broker keeps for the monitor, in the order of its arrival; none when it keeps nothing. */
  #backlog: DeviceEvidence[] | undefined;
  #timer: { readonly alarm: Timer; readonly at: number } | undefined;

  constructor(clock: Clock, classes: Readonly<Record<string, ClassConfig>>, events: MonitorEvents) {
    this.detector = new Detector({ classes });
    this.#clock = clock;
    this.#events = events;
  }

  hear(topic: string, payload: Uint8Array): void {
    const evidence = evidenceOf(topic, payload);
    if (this.#deafness > 0) this.#backlog?.push(evidence);
    else this.#observe(evidence);
  }

  /** @param keepsBacklog the broker keeps what is missed, if it does so from the beginning */
  goDeaf(keepsBacklog: boolean): void {
    this.#deafness++;
    if (this.#deafness > 1) return;
    this.#backlog = keepsBacklog ? [] : undefined;
    this.#tell(false);
  }

  hearAgain(): void {
    this.#deafness--;
    if (this.#deafness > 0) return;
    this.#tell(true);
    for (const evidence of this.#backlog ?? []) this.#observe(evidence);
    this.#backlog = undefined;
  }

  /** The broker has lost what it kept. */
  loseBacklog(): void {
    this.#backlog = undefined;
  }

  /** Says where the trace ends: up to here, silence was heard. */
  end(): void {
    this.#tell(this.#deafness === 0);
  }

  #tell(up: boolean): void {
    this.#take({ kind: 'monitor', up });
    this.#arm();
  }

  #observe(evidence: DeviceEvidence): void {
    const outcome = this.#take(evidence);
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
    this.#events.onHeard?.(evidence, outcome, this.#clock.epochMs());
    this.#arm();
  }

  #take(evidence: Evidence): Outcome {
    const at = this.#clock.epochMs();
    this.#judge(at);
    this.#events.onEvidence?.(evidence, at);
    const { outcome, transitions } = this.detector.observe(evidence, at);
    this.#emit(transitions);
    return outcome;
  }

  /** Deadlines one by one, each at its own instant, as a timer without delay would do. */
  #judge(at: number): void {
    for (let due = this.#due(at); due !== undefined; due = this.#due(at)) {
      this.#emit(this.detector.advance(due));
    }
  }

  #due(at: number): number | undefined {
    const next = this.detector.nextDeadline();
    return next !== undefined && next <= at ? next : undefined;
  }

  /** One timer for the next deadline; one that moves away leaves it alone, and it fires for nothing. */
  #arm(): void {
    const next = this.detector.nextDeadline();
    if (next === undefined || (this.#timer !== undefined && this.#timer.at <= next)) return;
    this.#timer?.alarm.cancel();
    const alarm = this.#clock.setTimer(next - this.#clock.epochMs(), () => {
      this.#timer = undefined;
      this.#judge(this.#clock.epochMs());
      this.#arm();
    });
    this.#timer = { alarm, at: next };
  }

  #emit(transitions: readonly Transition[]): void {
    for (const transition of transitions) this.#events.onTransition?.(transition);
  }
}
