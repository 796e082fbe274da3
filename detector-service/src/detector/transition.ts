/** The detector's whole output: a device's verdict changed. */

/** Snapshots refer to states by position: append only. */
export const STATES = ['unknown', 'alive', 'suspect', 'dead', 'asleep', 'unreachable', 'retired'] as const;

/**
 * - `unknown`: not yet judged, or the monitor was blind
 * - `alive`: heard in time
 * - `suspect`: late (φ ≥ 1), or its will arrived
 * - `dead`: silent for longer than its false-alarm budget lets a live device be
 * - `asleep`: silent as announced, with a deadline of its own
 * - `unreachable`: silent by a cause common to its group
 * - `retired`: left for good
 */
export type State = (typeof STATES)[number];

/** Stable words that say what caused a transition. Snapshots refer to them by position: append only. */
export const REASONS = [
  'first-seen',
  'heard',
  'new-generation',
  'late',
  'will',
  'silence',
  'reconnect-timeout',
  'overslept',
  'sleep',
  'maintenance',
  'bye',
  'retired',
  'monitor-blind',
  'monitor-back',
  'group-outage',
  'group-back',
  'network-was-down',
  'expired',
] as const;
export type Reason = (typeof REASONS)[number];

/** Whom a statement is about. */
export interface Subject {
  readonly device: string;
  readonly deviceClass: string;
  readonly site?: string | undefined;
  readonly gateway?: string | undefined;
}

/** The instants behind a verdict, as far as there are any. */
export interface Timing {
  /** Latest proof of life. */
  readonly lastSeenAt?: number | undefined;
  /** When the next beat is expected, when silence becomes suspect, when it becomes dead. */
  readonly expectedBy?: number | undefined;
  readonly suspectAt?: number | undefined;
  readonly deadAt?: number | undefined;
}

export interface Transition extends Subject, Timing {
  readonly from: State;
  readonly to: State;
  /** Instant at which it became true: the deadline, the arrival, the boot. */
  readonly at: number;
  /** Instant at which the detector could know; `noticedAt − at` is its own delay. */
  readonly noticedAt: number;
  readonly reason: Reason;
  /** Suspicion level −log10 P(silence | alive) at `at`. */
  readonly phi: number;
  /** True when this rewrites the verdict already given for `at`, because later evidence disproved it. */
  readonly restated?: boolean | undefined;
}

/**
 * How a state counts towards uptime: 1 up, 0 down, −1 unknown.
 *
 * A suspect still counts as up: most suspects are late, not dead. Announced sleep is duty as planned, hence up;
 * a stop for maintenance is neither for nor against the device.
 */
export function availability(state: State, reason: Reason): 1 | 0 | -1 {
  if (state === 'alive' || state === 'suspect') return 1;
  if (state === 'dead') return 0;
  return state === 'asleep' && reason === 'sleep' ? 1 : -1;
}
