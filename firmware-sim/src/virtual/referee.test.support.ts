/**
 * Watches a run from outside, and objects to what no detector may do whatever the network did. It knows the rules,
 * not the algorithm: it takes the detector's own deadlines as promises and holds it to them.
 */
import type { DeviceEvidence, Outcome, Transition } from '@slowbeat/detector-service/detector';
import type { Scenario } from '../scenario.ts';
import { deviceKey, type TruthLine } from '../truth.ts';
import { VirtualRun } from './virtual-run.ts';

/** Events between two looks at everybody. */
const EVENTS_AT_ONCE = 10_000;

interface Watched {
  state: string;
  since: number;
  lastHeardAt: number;
  /** Up to when its silence may not make it dead. */
  trustedUntil: number;
}

export interface RefereeOptions {
  readonly seed: number;
  readonly devices?: number | undefined;
  readonly durationMs?: number | undefined;
  /** How long after its deadline a death may wait for the device's group to be explained. */
  readonly heldMs?: number | undefined;
}

export class Referee {
  readonly run: VirtualRun;
  readonly objections: string[] = [];
  readonly #watched = new Map<string, Watched>();
  readonly #truth = new Map<string, TruthLine>();
  readonly #heldMs: number;
  readonly #quietMs: number;

  constructor(scenario: Scenario, { heldMs = 0, ...options }: RefereeOptions) {
    this.#heldMs = heldMs;
    this.#quietMs = scenario.quietMs;
    this.run = new VirtualRun(scenario, {
      ...options,
      onHeard: (evidence, outcome, at) => this.#heard(evidence, outcome, at),
      onTransition: (transition) => this.#told(transition),
      onTruth: (line) => this.#truth.set(deviceKey(line.class, line.device), line),
    });
  }

  /** Plays the run to its end and returns the objections. */
  judge(): readonly string[] {
    while (!this.run.step(EVENTS_AT_ONCE)) this.#lookForOverdue();
    this.#lookForOverdue();
    if (this.#quietMs > 0) this.#lookForUnrecovered();
    return this.objections;
  }

  #heard({ deviceClass, device, kind }: DeviceEvidence, outcome: Outcome, at: number): void {
    const watched = this.#of(deviceClass, device);
    const deadAt = this.run.monitor.detector.deadAt(deviceClass, device) ?? Infinity;
    if (outcome === 'renewed') watched.lastHeardAt = at;
    if (outcome === 'renewed' || kind === 'bye') watched.trustedUntil = deadAt;
    else if (kind === 'will' && outcome === 'recorded') {
      watched.trustedUntil = Math.min(watched.trustedUntil, at + this.#reconnectMs(deviceClass));
    }
  }

  #told(transition: Transition): void {
    const { deviceClass, device, from, to, at, noticedAt, reason, restated } = transition;
    const watched = this.#of(deviceClass, device);
    const object = (what: string): void => {
      this.#object(noticedAt, `${device}: ${from} → ${to} (${reason}) at ${at}: ${what}`);
    };
    if (!Number.isFinite(at) || at > noticedAt) object('true at no instant that has been');
    if (from !== watched.state) object(`it was ${watched.state}`);
    if (at < watched.since && restated !== true) object(`it was that since ${watched.since}`);
    if (this.run.monitor.detector.blindSince !== undefined && reason !== 'monitor-blind') {
      object('judged while blind');
    }
    if (to === 'dead') {
      if (at < watched.trustedUntil) object(`trusted until ${watched.trustedUntil}`);
      if (at < watched.lastHeardAt) object(`heard at ${watched.lastHeardAt}`);
    }
    watched.state = to === 'retired' ? 'unknown' : to;
    watched.since = at;
  }

  /** Nobody may be trusted beyond its deadline. */
  #lookForOverdue(): void {
    const now = this.run.clock.epochMs();
    const { detector } = this.run.monitor;
    if (detector.blindSince !== undefined) return;
    for (const { device, deviceClass, state } of detector.devices(now)) {
      const deadAt = detector.deadAt(deviceClass, device) ?? Infinity;
      if ((state === 'alive' || state === 'suspect') && deadAt + this.#heldMs < now) {
        this.#object(now, `${device}: still ${state}, dead since ${deadAt}`);
      }
    }
  }

  /** After the quiet time, whoever lives behind a working link must be known to live. */
  #lookForUnrecovered(): void {
    const now = this.run.clock.epochMs();
    for (const line of this.#truth.values()) {
      const quiet = line.alive && line.link && line.t < now - this.#quietMs / 2 && line.cause !== 'sleep';
      const watched = this.#of(line.class, line.device);
      const late = watched.state === 'suspect' && watched.since > now - this.#quietMs / 4;
      if (quiet && watched.state !== 'alive' && !late) {
        this.#object(now, `${line.device}: alive since ${line.t}, and called ${watched.state}`);
      }
    }
  }

  #object(at: number, what: string): void {
    this.objections.push(`${new Date(at).toISOString()} ${what}`);
  }

  #reconnectMs(deviceClass: string): number {
    return this.run.classes[deviceClass]?.reconnectMs ?? 0;
  }

  #of(deviceClass: string, device: string): Watched {
    const key = deviceKey(deviceClass, device);
    const known = this.#watched.get(key);
    if (known !== undefined) return known;
    const watched = { state: 'unknown', since: -Infinity, lastHeardAt: -Infinity, trustedUntil: -Infinity };
    this.#watched.set(key, watched);
    return watched;
  }
}
