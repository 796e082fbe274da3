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
  const { shutdownDisconnectsPerSecond, shutdownSpreadMsMax } = config.limits;
  const [listening, talking] = parted(roster, config.root);
  const spreadMs = Math.min((talking.length / shutdownDisconnectsPerSecond) * 1_000, shutdownSpreadMsMax);
  await inTurn(talking, spreadMs, dismiss);
  await Promise.race([whenIdle(), pause(ANSWER_MS_MAX)]);
  await emptied(roster, listening.length);
  for (const member of listening) dismiss(member);
  await emptied(roster, 0);
}

/** Resolves when at most so many are left, or have had time enough to go. */
async function emptied(roster: Roster, left: number): Promise<void> {
  const latestMs = performance.now() + ANSWER_MS_MAX;
  while (roster.size > left && performance.now() < latestMs) await pause(TICK_MS);
}

/** Dismisses all within the time, evenly; whoever is just waiting for an acknowledgement as late as possible. */
async function inTurn(
  members: readonly Member[],
  spreadMs: number,
  dismiss: FarewellParts['dismiss'],
): Promise<void> {
  const startedMs = performance.now();
  let next = 0;
  let busy: Member[] = [];
  while (next < members.length) {
    const elapsedMs = performance.now() - startedMs;
    const due = elapsedMs >= spreadMs ? members.length : Math.floor((members.length * elapsedMs) / spreadMs);
    const candidates = [...busy, ...members.slice(next, due)];
    next = due;
    busy = [];
    for (const member of candidates) {
      if (isBusy(member.connection)) busy.push(member);
      else dismiss(member);
    }
    if (next < members.length) await pause(TICK_MS);
  }
  for (const member of busy) dismiss(member);
}

function isBusy({ lane }: Connection): boolean {
  return lane.pending > 0 || lane.waiting.length > 0;
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
