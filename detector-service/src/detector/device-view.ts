/** What people and programs may ask about a device. */
import type { Fleet } from './fleet.ts';
import type { Reason, State } from './transition.ts';
import { timing, whoAndWhere } from './verdicts.ts';

export interface DeviceView {
  readonly device: string;
  readonly deviceClass: string;
  readonly site?: string;
  readonly gateway?: string;
  readonly state: State;
  /** Instant since which the state is true. */
  readonly since: number;
  readonly reason: Reason;
  /** Suspicion level now. */
  readonly phi: number;
  readonly lastSeenAt?: number;
  readonly expectedBy?: number;
  readonly suspectAt?: number;
  readonly deadAt?: number;
  readonly intervalMs: number;
  readonly generation?: number;
  readonly session?: number;
  readonly seq?: number;
  readonly beats: number;
  readonly lost: number;
  readonly duplicates: number;
}

/** The deadline, and how it was learned. */
export interface Explanation extends DeviceView {
  readonly algorithm: string;
  /** True when `maxSilenceMs` and not the budget set the dead point: the link is too poor for the budget. */
  readonly capped: boolean;
  readonly learned: Readonly<Record<string, number | string>>;
}

export function viewOf(fleet: Fleet, device: number, now: number): DeviceView {
  const { table } = fleet;
  return {
    ...whoAndWhere(table, device),
    state: fleet.state(device),
    since: table.since[device] as number,
    reason: fleet.reason(device),
    phi: fleet.phi(device, now),
    ...timing(table, device),
    intervalMs: table.intervalMs[device] as number,
    ...known('generation', table.generation[device]),
    ...known('session', table.session[device]),
    ...known('seq', table.seq[device]),
    beats: table.beats[device] as number,
    lost: table.lost[device] as number,
    duplicates: table.duplicates[device] as number,
  };
}

export function explanationOf(fleet: Fleet, device: number, now: number): Explanation {
  const { table } = fleet;
  const { config, model } = fleet.classOf(device);
  const overdueMs = (table.deadAt[device] as number) - (table.expectedBy[device] as number);
  return {
    ...viewOf(fleet, device, now),
    algorithm: config.algorithm,
    capped: overdueMs >= config.maxSilenceMs,
    learned: model.explain(table.learned, device * table.stride, fleet.planOf(device)),
  };
}

function known<K extends string>(name: K, value: number | undefined): Partial<Record<K, number>> {
  return value === undefined || value < 0 ? {} : ({ [name]: value } as Record<K, number>);
}
