/**
 * Freshness: after this heartbeat, until when is the device trusted?
 *
 * Every failure detector here is a freshness point computed at each arrival (Chen, Toueg, Aguilera: On the
 * quality of service of failure detectors, 2002). One model serves one class. What it knows of a device lies in
 * `slots` consecutive numbers of a table owned by the caller; what it knows of the class lies inside the model.
 * Models are deterministic: no clock, no dice. All spans are milliseconds.
 *
 * A gap that was not the device's own (blind time, a group outage, announced sleep, a reboot) is not learned from:
 * the caller leaves `learn` out.
 */
export interface FreshnessModel {
  /** Its own deadlines grow after a mistake: nobody else has to widen them. */
  readonly cautious?: true;
  /** Numbers of learned state per device. */
  readonly slots: number;
  /** A device heard for the first time. */
  init(state: Float32Array, base: number): void;
  /** A beat came that announces the next one. To be called before `freshness`, for real announcements only. */
  announce(state: Float32Array, base: number, plan: Plan): void;
  /** A gap between two beats is known in full, the device having lived all through it. */
  learn(state: Float32Array, base: number, gap: Gap): void;
  /** Fills `deadlines` for the silence that begins with this arrival. */
  freshness(state: Float32Array, base: number, plan: Plan, deadlines: Deadlines): void;
  /** Suspicion φ = −log10 P(silence lasts so long | alive). Never falls while silence grows. */
  phi(state: Float32Array, base: number, plan: Plan, silenceMs: number): number;
  /** Why the deadline is what it is, as data. */
  explain(state: Float32Array, base: number, plan: Plan): Explanation;
  /** What was learned of the class, for a snapshot; empty when nothing is. */
  exportClass(): Float64Array;
  /** Takes back what `exportClass` gave. False, and nothing changed, when it is of another version. */
  importClass(numbers: Float64Array): boolean;
}

/** The algorithm's name, and its own quantities by name. */
export interface Explanation {
  readonly algorithm: string;
  readonly [quantity: string]: number | string | boolean;
}

/** Names the layout of what models learn; to be raised whenever one of them changes it, so that snapshots tell. */
export const LAYOUT = 3;

/** What is known about the time after an arrival. */
export interface Plan {
  /** Instant of the arrival, epoch milliseconds. */
  at: number;
  /** Announced time until the next planned beat; 0 when the device did not say. */
  nextMs: number;
  /** Interval the device or else its class states. */
  intervalMs: number;
}

/** A silence that ended: the plan it began with, and what came of it. */
export interface Gap extends Plan {
  gapMs: number;
  /** Beats lost within, by sequence number; −1 when the device does not number its beats. */
  missed: number;
  /** True when the silence had outlasted its deadline: a false alarm. */
  mistake: boolean;
}

/** Silence after which a beat is expected, the device is suspect, and dead. */
export interface Deadlines {
  expectedMs: number;
  suspectMs: number;
  deadMs: number;
}
