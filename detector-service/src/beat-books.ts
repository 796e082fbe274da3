/** Takes messages into the books: heartbeats and births into the counts of the rollups, all of them raw where wanted. */
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
    const { classes, detector, log } = this.#options;
    const { deviceClass, device } = evidence;
    if (classes[deviceClass] === undefined) return;
    const heard = this.#count(evidence, telemetry, outcome, at);
    if (log === undefined) return;
    const { site, gateway } = detector.device(deviceClass, device, at) ?? {};
    log.write(evidence, { site, gateway, outcome, ...telemetry, ...heard }, at);
  }

  /** Whether the monitor could hear from then on. */
  hearing(hears: boolean, at: number): void {
    this.#options.log?.hearing(hears, at);
  }

  #count(evidence: DeviceEvidence, telemetry: Telemetry, outcome: Outcome, at: number) {
    if (evidence.kind !== 'beat' && evidence.kind !== 'birth') return undefined;
    if (!NEWS.has(outcome)) return undefined;
    const { classes, detector, recorder } = this.#options;
    const { kind, deviceClass, device, nextMs } = evidence;
    const stated = kind === 'birth' ? evidence.intervalMs : undefined;
    const intervalMs = stated ?? (classes[deviceClass] as ClassConfig).intervalMs;
    const { roundTripMs, deviceTimeMs, batteryPercent, rssiDbm } = telemetry;
    const measured = { roundTripMs, deviceTimeMs, batteryPercent, rssiDbm };
    const deadAt = detector.deadAt(deviceClass, device);
    const told = { kind, deviceClass, device, nextMs, intervalMs, deadAt, ...measured };
    return recorder.heard(told, at);
  }
}
