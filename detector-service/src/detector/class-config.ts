/** The knobs of a device class. Everything has a default except the interval. */

export const ALGORITHMS = [
  'adaptive',
  'fixed',
  'missed',
  'mean-deviation',
  'chen',
  'bertier',
  'phi',
  'phi-exponential',
] as const;

/** Which algorithm turns arrivals into deadlines; see ARCHITECTURE.md. */
export type Algorithm = (typeof ALGORITHMS)[number];

/** Kinds of evidence that can prove a device alive. */
export type ProofOfLife = 'birth' | 'beat' | 'pong' | 'traffic';

export interface ClassConfig {
  /** Usual time between two beats, for devices that announce neither interval nor next beat. Milliseconds. */
  readonly intervalMs: number;
  readonly algorithm: Algorithm;
  /** False-alarm budget: at most so many mistaken deaths per device and year. Larger notices deaths sooner. */
  readonly falseAlarmsPerDeviceYear: number;
  /** `fixed`: silence after which a device is dead. Larger is calmer and slower. */
  readonly timeoutMs: number;
  /** `fixed`: silence after which it is suspect. */
  readonly suspectAfterMs: number;
  /** `missed`: beats missed in a row after which a device is dead; one makes it suspect. */
  readonly missedBeats: number;
  /** `phi`, `phi-exponential`: suspicion level at which a device is dead. Larger is calmer and slower. */
  readonly phiThreshold: number;
  /** `chen`: safety margin after the estimated arrival. Larger is calmer and slower. */
  readonly marginMs: number;
  /** No deadline is shorter than this, whatever was learned: a floor against wishful links. */
  readonly minSilenceMs: number;
  /** No deadline is longer than this after the expected beat: a cap for hopeless links; `explain` says so. */
  readonly maxSilenceMs: number;
  /**
   * Time within which a live device has reconnected: what it is given after blind time or a group outage, and after a
   * will, there as a starting value until its class has taught better.
   */
  readonly reconnectMs: number;
  /** Whether a suspect is asked, if it holds a connection and has said at birth that it answers. */
  readonly probe: boolean;
  /** How long a bye without a stated return is believed. */
  readonly byeMs: number;
  /** How long a dead device stays in the registry before it is retired. */
  readonly expireMs: number;
  /** Which evidence renews the deadline. */
  readonly proofOfLife: readonly ProofOfLife[];
}

const DAY_MS = 86_400_000;
/** The longest pause of the device SDK between two attempts to connect (120 s), and the time an attempt may take. */
const RECONNECT_MS = 150_000;

/** Completes a class from its interval. */
export function classConfig(knobs: Partial<ClassConfig> & Pick<ClassConfig, 'intervalMs'>): ClassConfig {
  const { intervalMs } = knobs;
  const timeoutMs = knobs.timeoutMs ?? 4 * intervalMs;
  return {
    algorithm: 'adaptive',
    falseAlarmsPerDeviceYear: 1,
    timeoutMs,
    suspectAfterMs: Math.min(2 * intervalMs, timeoutMs),
    missedBeats: 3,
    phiThreshold: 8,
    marginMs: intervalMs / 2,
    minSilenceMs: 0,
    maxSilenceMs: Math.max(30 * intervalMs, 7 * DAY_MS),
    reconnectMs: RECONNECT_MS,
    probe: true,
    byeMs: DAY_MS,
    expireMs: 30 * DAY_MS,
    proofOfLife: ['birth', 'beat', 'pong', 'traffic'],
    ...knobs,
  };
}
