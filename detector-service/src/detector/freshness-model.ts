/**
 * The one question every failure detection algorithm answers: after this heartbeat, until when do I trust?
 *
 * A model serves one class. What it learns about a device lives in `slots` consecutive numbers of an array that
 * the device table owns, so that a million devices need no million objects; what it learns about the class it
 * keeps itself.
 */

/** An accepted beat, as far as algorithms may learn from it. */
export interface Arrival {
  /** Time since the previous accepted beat, milliseconds. */
  gapMs: number;
  /** Time from the previous beat to when this one was expected, milliseconds. */
  expectedGapMs: number;
  /** True when the device itself announced that expectation. */
  announced: boolean;
  /** Beats lost between the previous one and this one by sequence number; −1 when the device numbers none. */
  lostBeats: number;
}

/** What is known at a beat about the next ones. */
export interface Plan {
  /** Time from the beat to the next expected one, milliseconds. */
  expectedInMs: number;
  /** Usual time between beats after that, milliseconds. */
  intervalMs: number;
}

/** Freshness points after a beat, as milliseconds of silence; suspectMs ≤ deadMs. */
export interface Freshness {
  suspectMs: number;
  deadMs: number;
}

export interface FreshnessModel {
  /** Name and layout version of the learned state; a snapshot with another one is learned anew. */
  readonly layout: string;
  /** Numbers of learned state per device. */
  readonly slots: number;
  init(state: Float32Array, base: number): void;
  learn(state: Float32Array, base: number, arrival: Arrival): void;
  /** Writes the freshness points into `out`; allocates nothing. */
  freshness(state: Float32Array, base: number, plan: Plan, out: Freshness): void;
  /** Suspicion level −log10 P(such a silence | alive); never falls while silence grows. */
  phi(state: Float32Array, base: number, plan: Plan, silenceMs: number): number;
  /** What it has learned about the device, for people. */
  explain(state: Float32Array, base: number, plan: Plan): Readonly<Record<string, number | string>>;
}

/**
 * φ for algorithms that know only two thresholds: 1 at the suspect point and `φ dead` at the dead point, linear
 * between and beyond, so that a level exists where no distribution does.
 */
export function piecewisePhi(silenceMs: number, suspectMs: number, deadMs: number, phiDead = 8): number {
  if (silenceMs <= suspectMs) return suspectMs > 0 ? Math.max(0, silenceMs / suspectMs) : 1;
  if (deadMs <= suspectMs) return phiDead;
  return 1 + ((phiDead - 1) * (silenceMs - suspectMs)) / (deadMs - suspectMs);
}
