/**
 * The wait for a lease that another broker has: for a moment, since it may be that of this one's own life before, or as
 * a standby for as long as it takes.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { LEASE_MS, Lease, leaseKeys } from './redis-lease.ts';
import type { StorageWatch } from './storage.ts';

const POLL_MS = LEASE_MS / 20;

export interface LeaseWaitParts {
  readonly redis: Redis;
  readonly name: string;
  readonly standby: boolean;
  readonly watch: StorageWatch;
}

/**
 * @throws that another broker has it, unless this one is a standby; what the server says, unless it waits already; the
 *   reason of the signal.
 */
export async function waitForLease({ redis, name, standby, watch }: LeaseWaitParts): Promise<Lease> {
  const owner = `${hostname()}:${process.pid}:${randomUUID()}`;
  const giveUpMs = performance.now() + LEASE_MS * 1.5;
  /** Whose lease was seen last. */
  let seen: string | undefined;
  let hasAnswered = false;
  let isAway = false;
  let notBeforeMs = 0;
  for (;;) {
    try {
      const [holder, fence] = await redis.mget(...leaseKeys(name));
      hasAnswered = true;
      // Its owner, if it lives, has the first word at a server that was away or has forgotten everything: it alone knows
      // what was there.
      if (isAway || (seen !== undefined && fence === null)) notBeforeMs = performance.now() + LEASE_MS;
      if (isAway) watch.onTrouble(undefined);
      isAway = false;
      const isFree = !holder && performance.now() >= notBeforeMs;
      const taken = isFree ? await Lease.acquire(redis, name, owner, watch.onHold) : holder;
      if (taken instanceof Lease) return taken;
      if (taken && taken !== seen && standby) watch.onWait(processOf(taken));
      seen = taken ?? (fence === null ? undefined : seen);
    } catch (error) {
      if (!standby || !hasAnswered) throw error;
      if (!isAway) watch.onTrouble(error as Error);
      isAway = true;
    }
    if (!standby && performance.now() > giveUpMs) {
      throw new Error(
        `another broker${seen === undefined ? '' : ` (${processOf(seen)})`} is using "${name}"; give this one a name of its own, or redis.standby to have it wait`,
      );
    }
    await pause(POLL_MS, undefined, { signal: watch.signal });
  }
}

/** Host and process of an owner, in words. */
function processOf(owner: string): string {
  const [host, pid] = owner.split(':');
  return `process ${pid} on ${host}`;
}
