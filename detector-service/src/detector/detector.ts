/**
 * The detector: a pure state machine. Evidence and instants go in, transitions come out; it reads no clock, no
 * network and no disk, so the same code runs live, in virtual time, in replay and in the tests.
 */
import { BlindTime } from './blind-time.ts';
import type { ClassConfig } from './class-config.ts';
import { type DeviceView, type Explanation, explanationOf, viewOf } from './device-view.ts';
import type { Evidence } from './evidence.ts';
import { Fleet } from './fleet.ts';
import { GROUP_KINDS, type GroupKind } from './group.ts';
import { Hearing, type Outcome } from './hearing.ts';
import { Incident, type IncidentView } from './incident.ts';
import type { Probe } from './probes.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';
import type { Reason, State, Transition } from './transition.ts';
import { instant, Verdicts } from './verdicts.ts';

export interface DetectorOptions {
  readonly classes: Readonly<Record<string, ClassConfig>>;
  /** Most devices it keeps; a further one is refused as `too-many-devices`. Default two million. */
  readonly devicesMax?: number | undefined;
  /** Whether suspects are probed: then {@link Detector.takeProbes} has to be called. Default false. */
  readonly probing?: boolean | undefined;
  /** What devices may be silenced by together; all of them unless told. Empty: every silence is judged by itself. */
  readonly outageGroups?: readonly GroupKind[] | undefined;
}

export interface Observation {
  readonly outcome: Outcome;
  readonly transitions: readonly Transition[];
}

/** A verdict known from elsewhere: the journal, after a crash that the last snapshot did not see. */
export interface AdoptedVerdict {
  readonly deviceClass: string;
  readonly device: string;
  readonly site?: string | undefined;
  readonly gateway?: string | undefined;
  readonly state: State;
  readonly reason: Reason;
  readonly at: number;
}

const DEVICES_MAX = 2_000_000;

export class Detector {
  readonly #fleet: Fleet;
  readonly #verdicts: Verdicts;
  readonly #hearing: Hearing;
  readonly #blind: BlindTime;
  readonly #devicesMax: number;
  /** Latest instant seen; one before it counts as this one, so that time never runs backwards. */
  #now = Number.NEGATIVE_INFINITY;

  constructor({
    classes,
    devicesMax = DEVICES_MAX,
    outageGroups = GROUP_KINDS,
    probing = false,
  }: DetectorOptions) {
    this.#devicesMax = devicesMax;
    this.#fleet = new Fleet(classes, outageGroups);
    this.#verdicts = new Verdicts(this.#fleet, probing);
    this.#hearing = new Hearing(this.#fleet, this.#verdicts, devicesMax);
    this.#blind = new BlindTime(this.#fleet, this.#verdicts);
  }

  /**
   * Continues from a snapshot. What was heard since it was taken is forgotten: before anything else adopt later
   * verdicts, then tell it `monitor` down (as of when it stopped) and up, so that the time between counts as blind.
   *
   * @throws SnapshotError when the bytes are not a snapshot of this version or are damaged
   */
  static restore(options: DetectorOptions, snapshot: Uint8Array): Detector {
    const detector = new Detector(options);
    const { now, blindSince, incidents, latestIncident } = decodeSnapshot(detector.#fleet, snapshot);
    const { groups, table } = detector.#fleet;
    for (const device of table.indices()) groups.recall(device, table.lastSeenAt.get(device));
    for (const { group, state } of incidents) {
      detector.#verdicts.outage.book.resume(Incident.restored(group, state), latestIncident);
    }
    detector.#now = now;
    detector.#blind.since = blindSince;
    detector.#blind.forgottenSince = now;
    for (const device of detector.#fleet.table.indices()) detector.#verdicts.arm(device);
    return detector;
  }

  /** Everything learned and every verdict, as bytes for {@link Detector.restore}. */
  snapshot(): Uint8Array {
    return encodeSnapshot(this.#fleet, this.#now, this.#blind.since, this.#verdicts.outage.book);
  }

  /** Takes in one piece of evidence about the instant `at`, in epoch milliseconds. */
  observe(evidence: Evidence, at: number): Observation {
    const now = this.#tick(at);
    let outcome: Outcome = 'recorded';
    if (evidence.kind !== 'monitor') {
      outcome = this.#hearing.hear(evidence, now, this.#blind.since === undefined);
    } else if (evidence.up) this.#blind.end(now);
    else this.#blind.begin(now);
    return { outcome, transitions: this.#verdicts.take() };
  }

  /** Judges everything that is due up to `now`, in the order in which it became true. */
  advance(now: number): readonly Transition[] {
    const until = this.#tick(now);
    if (this.#blind.since === undefined) this.#verdicts.judgeAll(until);
    return this.#verdicts.take();
  }

  /** Whom to ask since the last call, because silence made it suspect although it should be reachable. */
  takeProbes(): readonly Probe[] {
    return this.#verdicts.probes.take();
  }

  /** When to call `advance` next: never late, sometimes early. Undefined while nothing can become due. */
  nextDeadline(): number | undefined {
    return this.#blind.since === undefined ? this.#fleet.table.queue.next() : undefined;
  }

  get deviceCount(): number {
    return this.#fleet.table.size;
  }

  /** Since when the monitor is blind; undefined while it hears. */
  get blindSince(): number | undefined {
    return this.#blind.since;
  }

  /** What is known of one device at `now`; undefined when it is not known. */
  device(deviceClass: string, device: string, now: number): DeviceView | undefined {
    const index = this.#fleet.find(deviceClass, device);
    return index < 0 ? undefined : viewOf(this.#fleet, index, now);
  }

  /** The instant at which silence makes a device dead: cheap, for whoever scores every beat. Undefined when unknown. */
  deadAt(deviceClass: string, device: string): number | undefined {
    const index = this.#fleet.find(deviceClass, device);
    return index < 0 ? undefined : instant(this.#fleet.table.deadAt.get(index));
  }

  *devices(now: number): Generator<DeviceView> {
    for (const index of this.#fleet.table.indices()) yield viewOf(this.#fleet, index, now);
  }

  /** Group outages: those that are open, and the latest of those that are over. */
  incidents(): readonly IncidentView[] {
    return this.#verdicts.outage.book.views();
  }

  /** Grows whenever what {@link Detector.incidents} says has changed. */
  get incidentsRevision(): number {
    return this.#verdicts.outage.book.revision;
  }

  /** Why the deadline is where it is. */
  explain(deviceClass: string, device: string, now: number): Explanation | undefined {
    const index = this.#fleet.find(deviceClass, device);
    return index < 0 ? undefined : explanationOf(this.#fleet, index, now);
  }

  /**
   * Takes over a verdict that the journal holds and the snapshot, if there is one, does not. Emits nothing: it was
   * told before. What was heard since is forgotten, as after {@link Detector.restore}. A class that is no longer
   * configured is passed over.
   */
  adopt(verdict: AdoptedVerdict): void {
    const { table } = this.#fleet;
    const classNumber = this.#fleet.classNumber(verdict.deviceClass);
    if (classNumber === undefined) return;
    let device = table.indexOf(classNumber, verdict.device);
    if (device >= 0) this.#verdicts.outage.book.release(device);
    if (verdict.state === 'retired') {
      if (device >= 0) this.#fleet.remove(device);
      return;
    }
    if (device < 0) {
      if (table.size >= this.#devicesMax) return;
      device = this.#fleet.register(classNumber, verdict.device);
      this.#fleet.expectNext(device, verdict.at);
    }
    this.#fleet.groups.place(device, verdict);
    this.#fleet.enter(device, verdict.state, verdict.reason, verdict.at);
    this.#now = Math.max(this.#now, verdict.at);
    this.#blind.forgottenSince = Math.min(this.#blind.forgottenSince ?? Infinity, verdict.at);
    this.#verdicts.arm(device);
  }

  #tick(at: number): number {
    if (!Number.isFinite(at)) throw new RangeError(`an instant is a number of milliseconds, not ${at}`);
    this.#now = Math.max(this.#now, at);
    return this.#now;
  }
}
