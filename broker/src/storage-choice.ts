/** Where this broker keeps what outlives it: the Redis server of its settings, else its directory, else nowhere. */
import type { BrokerConfig } from './config.ts';
import { openDirectory } from './directory-storage.ts';
import { BrokerError } from './errors.ts';
import { redisPlace } from './redis-config.ts';
import type { Storage, StorageWatch } from './storage.ts';

export async function storageOf(
  { redis }: BrokerConfig,
  directory: string | undefined,
  watch: StorageWatch,
): Promise<Storage | undefined> {
  if (redis !== undefined) {
    const { openRedis } = await import('./redis-storage.ts'); // its client takes time to load
    return openRedis(await redisPlace(redis), watch);
  }
  return directory === undefined ? undefined : openDirectory(directory);
}

/** What is to be told when that, or reading what is there, has failed. */
export function storageFailure(
  { redis }: BrokerConfig,
  directory: string | undefined,
  cause: unknown,
): BrokerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return redis === undefined
    ? new BrokerError('directory-unusable', `${directory} cannot hold the broker's sessions: ${why}`, {
        cause,
      })
    : new BrokerError(
        'redis-unusable',
        `broker.redis: ${redis.url} cannot hold the broker's sessions: ${why}`,
        {
          cause,
        },
      );
}
