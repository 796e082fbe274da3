import type { Deadlines, Explanation, Plan } from './freshness-model.ts';
import { PerDeviceModel } from './per-device-model.ts';

export interface FixedKnobs {
  /** Silence after which a device is suspect, and dead. Milliseconds. Larger is calmer and slower. */
  readonly suspectAfterMs: number;
  readonly timeoutMs: number;
}

/** Kubernetes marks a node unreachable after 40 s without its 10 s status (`node-monitor-grace-period`). */
export const kubernetes: FixedKnobs = { suspectAfterMs: 20_000, timeoutMs: 40_000 };
/** A Consul TTL check turns critical when nothing was heard for its TTL, 30 s in the documentation's example. */
export const consul: FixedKnobs = { suspectAfterMs: 15_000, timeoutMs: 30_000 };
/** Redis Sentinel calls a master subjectively down after `down-after-milliseconds`, 30,000 by default. */
export const sentinel: FixedKnobs = { suspectAfterMs: 15_000, timeoutMs: 30_000 };
/** Zigbee2MQTT's availability: battery devices are offline after 25 h of silence. */
export const zigbeeBattery: FixedKnobs = { suspectAfterMs: 24.5 * 3_600_000, timeoutMs: 25 * 3_600_000 };
/** Zigbee2MQTT's availability: mains devices are offline after 10 min; a suspect is to be probed before. */
export const zigbeeMains: FixedKnobs = { suspectAfterMs: 9 * 60_000, timeoutMs: 10 * 60_000 };

/** The plain timeout: silence of so long is death. It ignores what the device announces. */
export class FixedModel extends PerDeviceModel {
  readonly slots = 0;
  readonly #knobs: FixedKnobs;

  constructor(knobs: FixedKnobs) {
    super();
    this.#knobs = knobs;
  }

  learn(): void {}

  freshness(_state: Float32Array, _base: number, _plan: Plan, deadlines: Deadlines): void {
    deadlines.suspectMs = this.#knobs.suspectAfterMs;
    deadlines.deadMs = this.#knobs.timeoutMs;
  }

  /** No probability stands behind a timeout: φ is 1 where it suspects and grows in proportion. */
  phi(_state: Float32Array, _base: number, _plan: Plan, silenceMs: number): number {
    return silenceMs / this.#knobs.suspectAfterMs;
  }

  explain(): Explanation {
    return { algorithm: 'fixed', ...this.#knobs };
  }
}
