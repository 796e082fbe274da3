/**
 * A planned end: connections are ended one after the other, so that a fleet does not come back all at once, and each
 * when nothing of it is on its way any more. Who listens to others goes last and misses nothing.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseTopic } from '@slowbeat/device-sdk/protocol';
import type { BrokerConfig } from './config.ts';
import type { Connection } from './connection.ts';
import type { Member, Roster } from './roster.ts';

export interface FarewellParts {
  readonly config: BrokerConfig;
  readonly roster: Roster;
  /** Ends a connection as planned: what was written to it still leaves, and its will does not fire. */
  readonly dismiss: (member: Member) => void;
  /** Resolves when all messages received so far were taken in and handed over. */
  readonly whenIdle: () => Promise<void>;
}

const TICK_MS = 20;
/** How long a peer may take to close its side after we closed ours. */
const ANSWER_MS_MAX = 1_000;

/** Resolves when everybody has gone, or was asked to go and had time for it. */
export async function sayFarewell({ config, roster, dismiss, whenIdle }: FarewellParts): Promise<void> {
  const { shutdownDisconnectsPerSecond, shutdownSpreadMsMax, closeTimeoutMs } = config.limits;
  const [listening, talking] = parted(roster, config.root);
  const spreadMs = Math.min((talking.length / shutdownDisconnectsPerSecond) * 1_000, shutdownSpreadMsMax);
  const busy = await inTurn(talking, spreadMs, dismiss);
  await answered(busy, closeTimeoutMs, dismiss);
  await Promise.race([whenIdle(), pause(ANSWER_MS_MAX)]);
  await emptied(roster, listening.length);
  await answered(listening, ANSWER_MS_MAX, dismiss);
  await emptied(roster, 0);
}

/** Dismisses all within the time, evenly, but those whose turn found them waiting for an acknowledgement. */
async function inTurn(
  members: readonly Member[],
  spreadMs: number,
  dismiss: FarewellParts['dismiss'],
): Promise<Member[]> {
  const startedMs = performance.now();
  let next = 0;
  let busy: Member[] = [];
  while (next < members.length) {
    const elapsedMs = performance.now() - startedMs;
    const due = elapsedMs >= spreadMs ? members.length : Math.floor((members.length * elapsedMs) / spreadMs);
    busy = dismissIdle([...busy, ...members.slice(next, due)], dismiss);
    next = due;
    if (next < members.length) await pause(TICK_MS);
  }
  return busy;
}

/** Dismisses each as soon as it is answered, and the rest when the time is up. */
async function answered(
  members: readonly Member[],
  withinMs: number,
  dismiss: FarewellParts['dismiss'],
): Promise<void> {
  const latestMs = performance.now() + withinMs;
  let busy = dismissIdle(members, dismiss);
  while (busy.length > 0 && performance.now() < latestMs) {
    await pause(TICK_MS);
    busy = dismissIdle(busy, dismiss);
  }
  for (const member of busy) dismiss(member);
}

/** Returns those that still wait for an acknowledgement. */
function dismissIdle(members: readonly Member[], dismiss: FarewellParts['dismiss']): Member[] {
  const busy: Member[] = [];
  for (const member of members) {
    if (isBusy(member.connection)) busy.push(member);
    else dismiss(member);
  }
  return busy;
}

function isBusy({ lane, handing }: Connection): boolean {
  return lane.pending > 0 || lane.waiting.length > 0 || handing > 0;
}

/** Resolves when at most so many are left, or have had time enough to go. */
async function emptied(roster: Roster, left: number): Promise<void> {
  const latestMs = performance.now() + ANSWER_MS_MAX;
  while (roster.size > left && performance.now() < latestMs) await pause(TICK_MS);
}

/** Those that hear others than themselves, and the rest. */
function parted(roster: Roster, root: string): readonly [listening: Member[], talking: Member[]] {
  const [listening, talking]: [Member[], Member[]] = [[], []];
  for (const member of roster.members()) {
    const hearsOthers = [...member.connection.subscriptions].some(
      (filter) => parseTopic(root, filter)?.kind !== 'ping',
    );
    (hearsOthers ? listening : talking).push(member);
  }
  return [listening, talking];
}
