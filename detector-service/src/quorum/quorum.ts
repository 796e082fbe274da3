/**
 * One verdict from several monitors that listen to the same devices: pure, and the same whoever computes it.
 *
 * - `alive` (or `asleep`) if any monitor that can hear says so: one that hears a device knows more than many that do not.
 * - `dead` only if a majority of the monitors that can hear say so, since the instant at which the majority agreed.
 * - `unreachable` or `suspect` if some say so and none of that holds.
 * - `unknown` while no monitor can hear.
 */
import type { State } from '../detector/index.ts';

/** What one monitor says of a device. */
export interface MonitorVerdict {
  readonly monitor: string;
  readonly state: State;
  /** Since when, epoch milliseconds. */
  readonly at: number;
  readonly phi?: number | undefined;
  readonly lastSeenAt?: number | undefined;
}

export interface QuorumVerdict {
  readonly state: State;
  readonly at: number;
  /** Suspicion level: that of the monitor which is least suspicious, since it may hear what others do not. */
  readonly phi: number;
  /** Latest sign of life that any of them has had. */
  readonly lastSeenAt?: number | undefined;
  /** Monitors that can hear, and those of them that agree with the state. */
  readonly hearing: number;
  readonly agreeing: readonly string[];
}

/** One such verdict is enough, the first that there is. */
const ENOUGH: readonly State[] = ['alive', 'asleep'];
const DOUBTS: readonly State[] = ['unreachable', 'suspect', 'dead'];

/** @param verdicts at most one of each monitor; those of monitors known to be down are better left out */
export function quorum(verdicts: readonly MonitorVerdict[]): QuorumVerdict {
  const hearing = verdicts.filter(({ state }) => state !== 'unknown' && state !== 'retired');
  const saying = (state: State) => hearing.filter((verdict) => verdict.state === state);
  const enough = ENOUGH.find((state) => saying(state).length > 0);
  const dead = saying('dead').sort((a, b) => a.at - b.at);
  const majority = Math.floor(hearing.length / 2) + 1;
  const isDead = enough === undefined && dead.length >= majority;
  const state = enough ?? (isDead ? 'dead' : doubt(hearing));
  const agreeing = saying(state);
  const lastSeenAt = Math.max(...verdicts.map((verdict) => verdict.lastSeenAt ?? Number.NEGATIVE_INFINITY));
  return {
    state,
    at: isDead
      ? (dead[majority - 1] as MonitorVerdict).at
      : earliest(agreeing.length > 0 ? agreeing : verdicts),
    phi: hearing.length === 0 ? 0 : Math.min(...hearing.map(({ phi = 0 }) => phi)),
    ...(Number.isFinite(lastSeenAt) && { lastSeenAt }),
    hearing: hearing.length,
    agreeing: agreeing.map(({ monitor }) => monitor),
  };
}

/** What to say while the monitors that can hear do not agree on a death. */
function doubt(hearing: readonly MonitorVerdict[]): State {
  if (hearing.length === 0) return 'unknown';
  const said = DOUBTS.find((state) => hearing.some((verdict) => verdict.state === state)) as State;
  return said === 'dead' ? 'suspect' : said;
}

function earliest(verdicts: readonly MonitorVerdict[]): number {
  return verdicts.length === 0 ? 0 : Math.min(...verdicts.map(({ at }) => at));
}
