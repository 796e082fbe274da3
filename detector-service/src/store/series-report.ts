/** What the series say about devices and about themselves. */
import type { Reason, State } from '../detector/transition.ts';

/** The verdict a device was last given: what a detector has to adopt after a crash. */
export interface LatestVerdict {
  readonly deviceClass: string;
  readonly device: string;
  readonly site?: string | undefined;
  readonly state: State;
  readonly reason: Reason;
  readonly at: number;
  readonly phi: number;
}

export interface StateSeriesCounters {
  readonly devices: number;
  readonly verdicts: number;
  /** Verdicts moved because their instant was not after the one before. */
  readonly bumped: number;
  /** Points written again with other content. */
  readonly restatedPoints: number;
  /** Restatements of a verdict that is settled by now; nothing was written for them. */
  readonly restatementsTooOld: number;
}
