/**
 * A Redis server in place of a directory, for a broker without a disk of its own: one list of lines for each thing that
 * outlives the broker. State and queues stay in memory; Redis is where their records lie.
 *
 * One broker at a time has it. A lease that runs out keeps a second one from starting, and a number that goes up with
 * every owner (the fence) is compared in the same step as each write, so that an owner that was away for longer than its
 * lease can destroy nothing of the one that followed it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import type { RecordPlace, Storage } from './storage.ts';

export interface RedisPlace {
  /** `redis://host:6379/0`, or `rediss://` for TLS; without a password. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Certificate of the authority that signed the server's (PEM), where it is none that Node knows. */
  readonly ca?: string | undefined;
  /** Begins all its keys: what tells brokers on one server apart. */
  readonly name: string;
}

const LEASE_MS = 6_000;
const ANSWER_MS_MAX = 5_000;
const RECONNECT_MS_MAX = 2_000;
/** Elements of a list that are read at a time. */
const PAGE_ELEMENTS = 200;
/** A list that was left half written is forgotten after so long. */
const LEFTOVER_S = 3_600;

/** KEYS: lease, fence. ARGV: owner, ms. Nil while somebody else has it, else the number of this owner. */
const ACQUIRE = `
if redis.call('set', KEYS[1], ARGV[1], 'nx', 'px', ARGV[2]) then return redis.call('incr', KEYS[2]) end
return false`;

/**
 * KEYS: lease, fence, and those of the write. ARGV: owner, number, ms, and those of the write. A server that has lost
 * everything is taken over: what is in memory will be written to it anew.
 */
const AS_OWNER = `
local fence = redis.call('get', KEYS[2])
if fence and fence ~= ARGV[2] then return redis.error_reply('LOST another broker has taken over') end
if not fence then redis.call('set', KEYS[2], ARGV[2]) end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[3])
`;
const APPEND = `${AS_OWNER} return redis.call('rpush', KEYS[3], ARGV[4])`;
const REPLACE = `${AS_OWNER}
if redis.call('exists', KEYS[4]) == 0 then return redis.call('del', KEYS[3]) end
redis.call('persist', KEYS[4])
return redis.call('rename', KEYS[4], KEYS[3])`;
const RENEW = `${AS_OWNER} return 1`;
/** KEYS: lease. ARGV: owner. */
const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end`;

/** @throws when the server cannot be reached or says no, or when another broker has this name. */
export async function openRedis(place: RedisPlace): Promise<Storage> {
  const redis = new Redis(place.url, optionsOf(place));
  // Later each command tells its own failure, and the connection is sought again; here it is why there is none.
  let why: Error | undefined;
  redis.on('error', (error) => {
    why ??= error;
  });
  try {
    await redis.connect();
    return await RedisStorage.acquire(redis, place.name);
  } catch (error) {
    redis.disconnect();
    throw why ?? error;
  }
}

function optionsOf({ username, password, ca }: RedisPlace): Omit<RedisOptions, 'replyMapping'> {
  return {
    lazyConnect: true,
    // What cannot be written now is refused now: nobody is told that it was kept.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: ANSWER_MS_MAX,
    commandTimeout: ANSWER_MS_MAX,
    retryStrategy: (attempt) => Math.min(100 * 2 ** attempt, RECONNECT_MS_MAX),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { tls: { ca } }),
  };
}

class RedisStorage implements Storage {
  readonly #redis: Redis;
  readonly #name: string;
  readonly #owner: string;
  readonly #number: string;
  readonly #renewing: NodeJS.Timeout;

  static async acquire(redis: Redis, name: string): Promise<RedisStorage> {
    const owner = randomUUID();
    const keys = [`${name}:lease`, `${name}:fence`];
    // The broker before may have been killed: its lease is waited for.
    const latestMs = performance.now() + LEASE_MS * 1.5;
    for (;;) {
      const number = (await redis.eval(ACQUIRE, 2, ...keys, owner, LEASE_MS)) as number | null;
      if (number !== null) return new RedisStorage(redis, name, owner, String(number));
      if (performance.now() > latestMs) {
        throw new Error(`another broker is using "${name}"; give this one a name of its own`);
      }
      await pause(LEASE_MS / 20);
    }
  }

  private constructor(redis: Redis, name: string, owner: string, number: string) {
    this.#redis = redis;
    this.#name = name;
    this.#owner = owner;
    this.#number = number;
    // A renewal that fails matters to the next write only, which tells.
    this.#renewing = setInterval(
      () => void this.asOwner(RENEW, [], []).catch(() => {}),
      LEASE_MS / 3,
    ).unref();
  }

  place(name: string): RecordPlace {
    return new RecordList(this, this.#redis, `${this.#name}:${name}`, this.#number);
  }

  /** Runs a script unless another broker has taken over, and renews the lease. */
  asOwner(script: string, keys: readonly string[], values: readonly string[]): Promise<unknown> {
    const all = [`${this.#name}:lease`, `${this.#name}:fence`, ...keys];
    return this.#redis.eval(script, all.length, ...all, this.#owner, this.#number, LEASE_MS, ...values);
  }

  async release(): Promise<void> {
    clearInterval(this.#renewing);
    // A server that is away forgets the lease by itself.
    await this.#redis.eval(RELEASE, 1, `${this.#name}:lease`, this.#owner).catch(() => {});
    this.#redis.disconnect();
  }
}

class RecordList implements RecordPlace {
  readonly #storage: RedisStorage;
  readonly #redis: Redis;
  readonly #key: string;
  /** No other owner writes there. */
  readonly #newKey: string;

  constructor(storage: RedisStorage, redis: Redis, key: string, number: string) {
    this.#storage = storage;
    this.#redis = redis;
    this.#key = key;
    this.#newKey = `${key}.new.${number}`;
  }

  async *read(): AsyncGenerator<string> {
    for (let from = 0; ; from += PAGE_ELEMENTS) {
      const elements = await this.#redis.lrange(this.#key, from, from + PAGE_ELEMENTS - 1);
      yield* elements;
      if (elements.length < PAGE_ELEMENTS) return;
    }
  }

  /** As lasting as the server is: `appendfsync always` is what makes an answer outlive a power failure. */
  async append(text: string): Promise<void> {
    await this.#storage.asOwner(APPEND, [this.#key], [text]);
  }

  async replace(pieces: Iterable<string>): Promise<number> {
    let bytes = 0;
    await this.#redis.del(this.#newKey);
    for (const piece of pieces) {
      await this.#redis.rpush(this.#newKey, piece);
      await this.#redis.expire(this.#newKey, LEFTOVER_S);
      bytes += Buffer.byteLength(piece);
    }
    await this.#storage.asOwner(REPLACE, [this.#key, this.#newKey], []);
    return bytes;
  }

  async close(): Promise<void> {}
}
