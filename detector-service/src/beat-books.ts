/** Takes heartbeats and births into the books: the counts of the rollups, and raw where that is wanted. */
import type { ClassConfig, Detector, DeviceEvidence, Outcome } from './detector/index.ts';
import type { Telemetry } from './inbound.ts';
import type { Recorder } from './recorder.ts';
import type { BeatLog } from './store/index.ts';

/** Messages that tell something new about their device; others must not be counted twice. */
const NEWS: ReadonlySet<Outcome> = new Set(['renewed', 'recorded', 'not-proof']);

export interface BeatBooksOptions {
  readonly classes: Readonly<Record<string, ClassConfig>>;
  readonly detector: Pick<Detector, 'deadAt' | 'device'>;
  readonly recorder: Pick<Recorder, 'heard'>;
  /** Keeps every heartbeat; nobody does unless told. */
  readonly log: BeatLog | undefined;
}

export class BeatBooks {
  readonly #options: BeatBooksOptions;

  constructor(options: BeatBooksOptions) {
    this.#options = options;
  }

  take(evidence: DeviceEvidence, telemetry: Telemetry, outcome: Outcome, at: number): void {
    if (evidence.kind !== 'beat' && evidence.kind !== 'birth') return;
    const { classes, detector, recorder, log } = this.#options;
    const { kind, deviceClass, device, nextMs } = evidence;
    const stated = kind === 'birth' ? evidence.intervalMs : undefined;
    const intervalMs = stated ?? classes[deviceClass]?.intervalMs;
    if (intervalMs === undefined) return;
    const { roundTripMs, deviceTimeMs, batteryPercent, rssiDbm } = telemetry;
    const measured = { roundTripMs, deviceTimeMs, batteryPercent, rssiDbm };
    const deadAt = detector.deadAt(deviceClass, device);
    const told = { kind, deviceClass, device, nextMs, intervalMs, deadAt, ...measured };
    const heard = NEWS.has(outcome) ? recorder.heard(told, at) : undefined;
    if (log === undefined || kind !== 'beat') return;
    const { seq, uptimeMs } = evidence;
    const site = detector.device(deviceClass, device, at)?.site;
    log.write({ deviceClass, device, site, outcome, seq, nextMs, uptimeMs, ...measured, ...heard }, at);
  }
}
