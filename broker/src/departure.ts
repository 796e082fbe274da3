/** How the broker ends: as planned, client by client, or at once; in both cases without telling that anybody died. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Aedes } from 'aedes';
import type { Logger } from 'pino';
import type { BrokerConfig } from './config.ts';
import type { Door } from './door.ts';
import { sayFarewell } from './farewell.ts';
import type { Listeners } from './listeners.ts';
import type { Roster } from './roster.ts';
import type { Traffic } from './traffic.ts';

export interface DepartureParts {
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly listeners: Listeners;
  readonly door: Door;
  readonly roster: Roster;
  readonly traffic: Traffic;
  readonly aedes: Aedes;
  /** What is left to do once nobody is connected any more. */
  readonly putAway: () => Promise<void>;
}

export class Departure {
  readonly #parts: DepartureParts;
  #listenersClosed: Promise<void> | undefined;
  #drained: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(parts: DepartureParts) {
    this.#parts = parts;
  }

  /** Why nobody should be sent here; undefined while everybody is welcome. */
  get problem(): string | undefined {
    if (this.isClosed) return 'the broker is closed';
    return this.#drained && 'the broker is being shut down';
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** See `Broker.drain`. */
  drain(): Promise<void> {
    this.#drained ??= this.#leave();
    return this.#drained;
  }

  /** See `Broker.close`. */
  close(): Promise<void> {
    this.#closed ??= this.#shutDown();
    return this.#closed;
  }

  async #leave(): Promise<void> {
    const { config, logger, listeners, door, roster, traffic } = this.#parts;
    this.#listenersClosed ??= listeners.close();
    door.close();
    logger.info({ clients: roster.size }, 'shutting down: clients are disconnected in turn');
    await sayFarewell({
      config,
      roster,
      dismiss: ({ client, connection }) => {
        connection.dismissed = true;
        client.conn.end();
      },
      whenIdle: () => traffic.whenIdle(),
    });
  }

  async #shutDown(): Promise<void> {
    const { config, listeners, door, traffic, aedes, putAway } = this.#parts;
    let expire = (): void => {};
    const expired = new Promise<void>((resolve) => {
      expire = resolve;
    });
    const deadline = setTimeout(expire, config.limits.closeTimeoutMs);
    traffic.close();
    this.#listenersClosed ??= listeners.close();
    await Promise.race([traffic.whenIdle(), expired]);
    await nextTurn(); // lets the last PUBACKs leave
    await Promise.race([new Promise<void>((resolve) => aedes.close(resolve)), expired]);
    door.destroyAll();
    await Promise.race([this.#listenersClosed, expired]);
    await putAway();
    clearTimeout(deadline);
  }
}
