/** One contender on the trace: its detector, stepped from deadline to deadline, and the ledger of its verdicts. */
import { Detector, type DeviceEvidence, type Transition } from '../detector/index.ts';
import type { Contender } from './contender.ts';
import { Ledger } from './ledger.ts';
import type { OutageCount } from './outage-count.ts';
import type { TraceDevice, TraceDevices } from './trace-devices.ts';

export interface LaneOptions {
  readonly devices: TraceDevices;
  readonly hasTruth: boolean;
  readonly outages: OutageCount;
  readonly onSilence?: ((device: TraceDevice, ms: number) => void) | undefined;
  readonly onTransition?: ((transition: Transition) => void) | undefined;
}

export class Lane {
  readonly contender: Contender;
  readonly ledger: Ledger;
  readonly outages: OutageCount;
  readonly #detector: Detector;
  readonly #devices: TraceDevices;
  readonly #onTransition: ((transition: Transition) => void) | undefined;

  constructor(contender: Contender, options: LaneOptions) {
    const { devices, hasTruth, onSilence, onTransition, outages } = options;
    this.contender = contender;
    this.outages = outages;
    this.#detector = new Detector({ classes: contender.classes, outageGroups: contender.outageGroups });
    this.#devices = devices;
    this.#onTransition = onTransition;
    this.ledger = new Ledger(
      Object.keys(contender.classes),
      hasTruth,
      ({ deviceClass, device }) => this.#detector.deadAt(deviceClass, device),
      onSilence,
    );
  }

  /**
   * Judges what is due up to `at`, deadline by deadline: as a live detector's timer would, so that no result depends
   * on how far apart the trace's events are.
   */
  advance(at: number): void {
    for (let due = this.#due(at); due !== undefined; due = this.#due(at)) {
      this.#take(this.#detector.advance(due));
    }
  }

  hear(device: TraceDevice, evidence: DeviceEvidence, at: number): void {
    const deadAt = this.#detector.deadAt(evidence.deviceClass, evidence.device);
    const { outcome, transitions } = this.#detector.observe(evidence, at);
    const left = evidence.kind === 'bye' && outcome === 'recorded';
    if (outcome === 'renewed' || left) this.ledger.heard(device, at, deadAt, rebooted(transitions));
    if (left && evidence.sleepMs === undefined) this.ledger.left(device);
    this.#take(transitions);
  }

  /** The monitor goes blind, or hears again. */
  monitor(up: boolean, at: number): void {
    if (!up) this.ledger.blindBegins(at);
    this.#take(this.#detector.observe({ kind: 'monitor', up }, at).transitions);
    if (up) this.ledger.blindEnds(at);
  }

  #due(at: number): number | undefined {
    const next = this.#detector.nextDeadline();
    return next !== undefined && next <= at ? next : undefined;
  }

  #take(transitions: readonly Transition[]): void {
    for (const transition of transitions) {
      const device = this.#devices.find(transition.deviceClass, transition.device);
      if (device !== undefined) {
        this.ledger.judged(device, transition);
        this.outages.judged(device, transition);
      }
      this.#onTransition?.(transition);
    }
  }
}

function rebooted(transitions: readonly Transition[]): boolean {
  return transitions.some(({ reason }) => reason === 'new-generation');
}
