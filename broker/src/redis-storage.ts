/**
 * A Redis server in place of a directory, for a broker without a disk of its own: one list of lines for each thing that
 * outlives the broker. State and queues stay in memory; Redis is where their records lie.
 */
import { Redis, type RedisOptions } from 'ioredis';
import { waitForLease } from './lease-wait.ts';
import { LEASE_MS, type Lease } from './redis-lease.ts';
import type { RecordPlace, Storage, StorageWatch } from './storage.ts';

export interface RedisPlace {
  /** `redis://host:6379/0`, or `rediss://` for TLS; without a password. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Certificate of the authority that signed the server's (PEM), where it is none that Node knows. */
  readonly ca?: string | undefined;
  /** Begins all its keys: what tells brokers on one server apart. */
  readonly name: string;
  /** Waits for as long as another broker has the name. */
  readonly standby: boolean;
}

const ANSWER_MS_MAX = 5_000;
const RECONNECT_MS_MAX = 2_000;
/** Elements of a list that are read at a time. */
const PAGE_ELEMENTS = 200;
/** A list that was left half written is forgotten after so long. */
const LEFTOVER_S = 3_600;

const APPEND = `return redis.call('rpush', KEYS[3], ARGV[3])`;
const REPLACE = `
if redis.call('exists', KEYS[4]) == 0 then return redis.call('del', KEYS[3]) end
redis.call('persist', KEYS[4])
return redis.call('rename', KEYS[4], KEYS[3])`;

/** @throws when the server cannot be reached or says no, or when another broker has this name and it may not wait. */
export async function openRedis(place: RedisPlace, watch: StorageWatch): Promise<Storage> {
  const redis = new Redis(place.url, optionsOf(place));
  // Later each command tells its own failure, and the connection is sought again; here it is why there is none.
  let why: Error | undefined;
  redis.on('error', (error) => {
    why ??= error;
  });
  try {
    await redis.connect();
    const { name, standby } = place;
    return new RedisStorage(redis, name, await waitForLease({ redis, name, standby, watch }));
  } catch (error) {
    redis.disconnect();
    throw watch.signal.aborted ? error : (why ?? error);
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
  readonly isShared = true;
  readonly #redis: Redis;
  readonly #name: string;
  readonly #lease: Lease;
  readonly #lists: RecordList[] = [];
  #retry: NodeJS.Timeout | undefined;

  constructor(redis: Redis, name: string, lease: Lease) {
    this.#redis = redis;
    this.#name = name;
    this.#lease = lease;
    lease.onEmpty = () => void this.#writeAnew();
  }

  place(name: string): RecordPlace {
    const list = new RecordList(this.#redis, this.#lease, `${this.#name}:${name}`);
    this.#lists.push(list);
    return list;
  }

  async #writeAnew(): Promise<void> {
    clearTimeout(this.#retry);
    try {
      await Promise.all(this.#lists.map((list) => list.rewrite()));
    } catch {
      // Whoever keeps the records has told why.
      this.#retry = setTimeout(() => void this.#writeAnew(), LEASE_MS / 3).unref();
    }
  }

  confirm(): Promise<void> {
    return this.#lease.confirm();
  }

  async release(): Promise<void> {
    this.#lease.onEmpty = () => {};
    clearTimeout(this.#retry);
    await this.#lease.release();
    this.#redis.disconnect();
  }
}

class RecordList implements RecordPlace {
  readonly #redis: Redis;
  readonly #lease: Lease;
  readonly #key: string;
  /** No other owner writes there. */
  readonly #newKey: string;
  /** See `whenForgotten`. */
  rewrite: () => Promise<void> = async () => {};

  constructor(redis: Redis, lease: Lease, key: string) {
    this.#redis = redis;
    this.#lease = lease;
    this.#key = key;
    this.#newKey = `${key}.new.${lease.owner}`;
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
    await this.#lease.asOwner(APPEND, [this.#key], [text]);
  }

  async replace(pieces: Iterable<string>): Promise<number> {
    let bytes = 0;
    await this.#redis.del(this.#newKey);
    for (const piece of pieces) {
      await this.#redis.rpush(this.#newKey, piece);
      await this.#redis.expire(this.#newKey, LEFTOVER_S);
      bytes += Buffer.byteLength(piece);
    }
    await this.#lease.asOwner(REPLACE, [this.#key, this.#newKey], []);
    return bytes;
  }

  whenForgotten(rewrite: () => Promise<void>): void {
    this.rewrite = rewrite;
  }

  async close(): Promise<void> {
    this.rewrite = async () => {};
  }
}
