/** What people and programs may ask about a device. */
import type { LearnedExplanation } from './algorithms/index.ts';
import { beatsToReturn } from './flapping.ts';
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
  /** Mistakes about it that are remembered, beyond which the margin is widened; 0 while it does not flap. */
  readonly flapping: number;
  /** Beats in time that would make it alive again if it were dead. */
  readonly beatsToReturn: number;
  /** Time after a last will in which it must be heard, in its class. */
  readonly reconnectMs: number;
  /** Returns after a will from which that was learned; with few, it is the setting. */
  readonly returns: number;
  readonly learned: LearnedExplanation;
}

export function viewOf(fleet: Fleet, device: number, now: number): DeviceView {
  const { table } = fleet;
  return {
    ...fleet.subject(device),
    state: fleet.state(device),
    since: table.since.get(device),
    reason: fleet.reason(device),
    phi: fleet.phi(device, now),
    lastSeenAt: instant(table.lastSeenAt.get(device)),
    expectedBy: instant(table.expectedBy.get(device)),
    suspectAt: instant(table.suspectAt.get(device)),
    deadAt: instant(table.deadAt.get(device)),
    intervalMs: table.intervalMs.get(device),
    generation: counter(table.generation.get(device)),
    session: counter(table.session.get(device)),
    seq: counter(table.seq.get(device)),
    beats: table.beats.get(device),
    lost: table.lost.get(device),
    duplicates: table.duplicates.get(device),
  };
}

export function explanationOf(fleet: Fleet, device: number, now: number): Explanation {
  const { table } = fleet;
  const { config, model, reconnect } = fleet.classOf(device);
  const flapping = fleet.flapLevel(device, now);
  const overdueMs = table.deadAt.get(device) - table.expectedBy.get(device);
  return {
    ...viewOf(fleet, device, now),
    algorithm: config.algorithm,
    capped: overdueMs >= config.maxSilenceMs,
    flapping,
    beatsToReturn: beatsToReturn(flapping),
    reconnectMs: reconnect.deadlineMs,
    returns: reconnect.returns,
    learned: model.explain(table.learned.values, table.learned.base(device), fleet.planOf(device)),
  };
}

function counter(value: number | undefined): number | undefined {
  return value === undefined || value < 0 ? undefined : value;
}
