/**
 * One broker at a time has what lies under a name in Redis.
 *
 * A lease that runs out keeps a second one from starting. The fence says whom the lease was last given to, and is
 * compared in the same step as each write, so that an owner that was away for longer than its lease can destroy nothing
 * of the one that followed it. What needs no write asks ({@link Lease.confirm}): after a pause of the whole machine no
 * clock of its own tells an owner that time has passed.
 */
import type { Redis } from 'ioredis';
import type { Hold } from './storage.ts';

export const LEASE_MS = 6_000;

/** KEYS: lease, fence. ARGV: owner, ms. Answers who has the lease then. */
const ACQUIRE = `
local holder = redis.call('get', KEYS[1])
if holder then return holder end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
redis.call('set', KEYS[2], ARGV[1])
return ARGV[1]`;

/**
 * KEYS: lease, fence, and those of the write. ARGV: owner, ms, and those of the write. A server that has lost everything
 * is taken over, and what is in memory written to it anew before anything is added.
 */
const AS_OWNER = `
local fence = redis.call('get', KEYS[2])
if fence and fence ~= ARGV[1] then return redis.error_reply('LOST another broker has taken over') end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
if not fence then
  redis.call('set', KEYS[2], ARGV[1])
  return redis.error_reply('EMPTY the server has lost what was written')
end
`;
/** KEYS: lease. ARGV: owner. */
const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end`;

/** The keys of the lease under a name, and of its fence. */
export function leaseKeys(name: string): [lease: string, fence: string] {
  return [`${name}:lease`, `${name}:fence`];
}

export class Lease {
  readonly #redis: Redis;
  readonly #keys: readonly [lease: string, fence: string];
  readonly owner: string;
  readonly #onHold: (hold: Hold) => void;
  readonly #renewing: NodeJS.Timeout;
  /** The server has lost all that was written. */
  onEmpty: () => void = () => {};
  #hold: Hold = 'certain';
  /** Nobody else can have it before (monotonic): the server has counted from later on. */
  #certainUntilMs: number;
  #doubting: NodeJS.Timeout;
  #question: Promise<void> | undefined;

  /** Takes the lease when it is free; returns who has it otherwise. `onHold` is told whenever that changes later. */
  static async acquire(
    redis: Redis,
    name: string,
    owner: string,
    onHold: (hold: Hold) => void,
  ): Promise<Lease | string> {
    const askedMs = performance.now();
    const holder = (await redis.eval(ACQUIRE, 2, ...leaseKeys(name), owner, LEASE_MS)) as string;
    return holder === owner ? new Lease(redis, name, owner, onHold, askedMs) : holder;
  }

  private constructor(
    redis: Redis,
    name: string,
    owner: string,
    onHold: (hold: Hold) => void,
    askedMs: number,
  ) {
    this.#redis = redis;
    this.#keys = leaseKeys(name);
    this.owner = owner;
    this.#onHold = onHold;
    this.#certainUntilMs = askedMs + LEASE_MS;
    this.#doubting = this.#doubtLater();
    // A renewal that fails has told what matters.
    this.#renewing = setInterval(() => void this.#renew().catch(() => {}), LEASE_MS / 3).unref();
  }

  /** Runs a script unless another broker has taken over, and renews the lease. `AS_OWNER` comes before it. */
  async asOwner(script: string, keys: readonly string[], values: readonly string[]): Promise<unknown> {
    const askedMs = performance.now();
    const all = [...this.#keys, ...keys];
    try {
      const answer = await this.#redis.eval(
        AS_OWNER + script,
        all.length,
        ...all,
        this.owner,
        LEASE_MS,
        ...values,
      );
      this.#confirmed(askedMs);
      return answer;
    } catch (error) {
      const [word] = error instanceof Error ? error.message.split(' ', 1) : [];
      if (word === 'LOST') this.#become('lost');
      if (word === 'EMPTY') {
        this.#confirmed(askedMs);
        this.onEmpty();
      }
      throw error;
    }
  }

  #confirmed(askedMs: number): void {
    this.#certainUntilMs = Math.max(this.#certainUntilMs, askedMs + LEASE_MS);
    if (this.#certainUntilMs > performance.now()) this.#become('certain');
  }

  /** See `Storage.confirm`. All who ask within one turn of the event loop share a question. */
  confirm(): Promise<void> {
    this.#question ??= new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        this.#question = undefined;
        this.#renew().then(resolve, reject);
      });
    });
    return this.#question;
  }

  async release(): Promise<void> {
    clearInterval(this.#renewing);
    clearTimeout(this.#doubting);
    // A server that is away forgets the lease by itself.
    await this.#redis.eval(RELEASE, 1, this.#keys[0], this.owner).catch(() => {});
  }

  async #renew(): Promise<void> {
    await this.asOwner('return 1', [], []);
  }

  #doubtLater(): NodeJS.Timeout {
    const leftMs = this.#certainUntilMs - performance.now();
    return setTimeout(() => {
      if (this.#certainUntilMs > performance.now()) this.#doubting = this.#doubtLater();
      else this.#become('doubtful');
    }, leftMs).unref();
  }

  #become(hold: Hold): void {
    if (this.#hold === hold || this.#hold === 'lost') return;
    this.#hold = hold;
    clearTimeout(this.#doubting);
    if (hold === 'certain') this.#doubting = this.#doubtLater();
    this.#onHold(hold);
  }
}
