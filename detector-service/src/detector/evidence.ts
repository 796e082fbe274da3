/**
 * What the detector is told. Every item is about one instant, which travels beside it: `observe(evidence, at)`.
 *
 * Instants are epoch milliseconds on the monitor's own clock, which never runs backwards; a device's clock is
 * never among them.
 */

interface About {
  readonly device: string;
  readonly deviceClass: string;
}

/** Who speaks: the boot, and the connection of that boot. Absent for third-party devices that do not say. */
interface Identity {
  readonly generation?: number | undefined;
  readonly session?: number | undefined;
}

/** Where a device hangs; devices that share one of these can be silenced by a common cause. */
export interface Placement {
  readonly site?: string | undefined;
  readonly gateway?: string | undefined;
  readonly broker?: string | undefined;
}

export interface BirthEvidence extends About, Identity, Placement {
  readonly kind: 'birth';
  readonly intervalMs?: number | undefined;
  readonly nextMs?: number | undefined;
  readonly uptimeMs?: number | undefined;
  /** It holds its connection and answers probes. */
  readonly answersPing?: boolean | undefined;
}

export interface BeatEvidence extends About, Identity, Placement {
  readonly kind: 'beat';
  readonly seq?: number | undefined;
  /** Announced time until the next planned beat. */
  readonly nextMs?: number | undefined;
  readonly uptimeMs?: number | undefined;
}

export interface WillEvidence extends About, Identity {
  readonly kind: 'will';
}

export interface ByeEvidence extends About, Identity {
  readonly kind: 'bye';
  readonly sleepMs?: number | undefined;
  readonly maintenanceMs?: number | undefined;
  readonly retire?: boolean | undefined;
}

/** An answer to a probe. */
export interface PongEvidence extends About, Identity {
  readonly kind: 'pong';
}

/** Any other sign of life, such as telemetry on another topic. */
export interface TrafficEvidence extends About {
  readonly kind: 'traffic';
}

/** Could this monitor hear? `up: false` opens blind time, `up: true` ends it. */
export interface MonitorEvidence {
  readonly kind: 'monitor';
  readonly up: boolean;
  /** Why, for the transitions it causes: `broker-link`, `restart`, `pause`. */
  readonly cause?: string | undefined;
}

export type DeviceEvidence =
  | BirthEvidence
  | BeatEvidence
  | WillEvidence
  | ByeEvidence
  | PongEvidence
  | TrafficEvidence;

export type Evidence = DeviceEvidence | MonitorEvidence;
