/** What people and programs may ask about a device. */
import type { LearnedExplanation } from './algorithms/index.ts';
import type { Fleet } from './fleet.ts';
import type { Reason, State, Subject, Timing } from './transition.ts';
import { instant } from './verdicts.ts';

export interface DeviceView extends Subject, Timing {
  readonly state: State;
  /** Instant since which the state is true. */
  readonly since: number;
  readonly reason: Reason;
  /** Suspicion level now. */
  readonly phi: number;
  readonly intervalMs: number;
  readonly generation?: number | undefined;
  readonly session?: number | undefined;
  readonly seq?: number | undefined;
  readonly beats: number;
  readonly lost: number;
  readonly duplicates: number;
}

/** The deadline, and how it was learned. */
export interface Explanation extends DeviceView {
  readonly algorithm: string;
  /** True when `maxSilenceMs` and not the budget set the dead point: the link is too poor for the budget. */
  readonly capped: boolean;
  readonly learned: LearnedExplanation;
}

export function viewOf(fleet: Fleet, device: number, now: number): DeviceView {
  const { table } = fleet;
  return {
    ...fleet.subject(device),
    state: fleet.state(device),
    since: table.since[device] as number,
    reason: fleet.reason(device),
    phi: fleet.phi(device, now),
    lastSeenAt: instant(table.lastSeenAt[device]),
    expectedBy: instant(table.expectedBy[device]),
    suspectAt: instant(table.suspectAt[device]),
    deadAt: instant(table.deadAt[device]),
    intervalMs: table.intervalMs[device] as number,
    generation: counter(table.generation[device]),
    session: counter(table.session[device]),
    seq: counter(table.seq[device]),
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

function counter(value: number | undefined): number | undefined {
  return value === undefined || value < 0 ? undefined : value;
}
