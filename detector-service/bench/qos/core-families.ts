/**
 * Fleets whose surroundings fail: gateways, sites, the broker, the monitor itself. They are played against the whole
 * core, evidence by evidence, on links of mixed quality and among devices that really die.
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What fails as a whole. A restart of the broker is one that the monitor notices: it is blind until the broker is back. */
export type Failing = 'site' | 'gateway' | 'broker' | 'monitor';

export interface Failure {
  readonly of: Failing;
  /** On average one in so long, of each by itself. */
  readonly everyMs: number;
  readonly lastsMs: readonly [least: number, most: number];
  /** Beats sent meanwhile are kept on their way and delivered at the end, all at once. */
  readonly stored?: boolean;
  /** The broker publishes everybody's last will as it goes down. */
  readonly wills?: boolean;
}

export interface CoreFamily {
  readonly failures: readonly Failure[];
  /** Devices hold a connection: it breaks with a last will, and they reconnect. Others are radios without one. */
  readonly connected: boolean;
  /** Share of the beats that come twice. */
  readonly duplicates: number;
}

const OUTAGE: readonly [number, number] = [30 * MINUTE, 5 * HOUR];
const siteOutages: Failure = { of: 'site', everyMs: 4 * DAY, lastsMs: OUTAGE };
const gatewayOutages: Failure = { of: 'gateway', everyMs: 6 * DAY, lastsMs: OUTAGE };
const restarts: Failure = { of: 'broker', everyMs: DAY, lastsMs: [5 * SECOND, 10 * MINUTE] };
const pauses: Failure = { of: 'monitor', everyMs: DAY, lastsMs: [10 * MINUTE, 4 * HOUR] };
const calm: CoreFamily = { failures: [], connected: false, duplicates: 0 };

export const coreFamilies: Readonly<Record<string, CoreFamily>> = {
  'no failures': calm,
  'site outages': { ...calm, failures: [siteOutages] },
  'site outages, connected': { ...calm, failures: [siteOutages], connected: true },
  'gateway outages': { ...calm, failures: [gatewayOutages] },
  'broker restarts': { ...calm, failures: [restarts], connected: true },
  'broker restarts with wills': { ...calm, failures: [{ ...restarts, wills: true }], connected: true },
  'monitor pauses': { ...calm, failures: [pauses] },
  'monitor pauses, connected': { ...calm, failures: [pauses], connected: true },
  'backlog after a site outage': { ...calm, failures: [{ ...siteOutages, stored: true }] },
  'backlog after a pause': { ...calm, failures: [{ ...pauses, stored: true }] },
  duplicates: { ...calm, duplicates: 0.2 },
  'all of it': {
    failures: [siteOutages, gatewayOutages, { ...restarts, wills: true }, pauses],
    connected: true,
    duplicates: 0.1,
  },
};
