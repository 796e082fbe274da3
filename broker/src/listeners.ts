/** All addresses on which clients arrive, started and stopped together. */
import type { Logger } from 'pino';
import { isLoopback } from './address.ts';
import type { BrokerConfig, ListenerConfig, ListenerKind } from './config.ts';
import type { Door } from './door.ts';
import type { Ledger } from './ledger.ts';
import { resolveListenAddress } from './listen-address.ts';
import { type Arrival, type Endpoint, Listener } from './listener.ts';

export interface ListenersParts {
  readonly wanted: readonly (readonly [ListenerKind, ListenerConfig])[];
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly door: Door;
  readonly ledger: Ledger;
  readonly onArrival: (arrival: Arrival) => void;
}

export class Listeners {
  readonly #parts: ListenersParts;
  readonly #listeners: readonly {
    readonly listener: Listener;
    readonly kind: ListenerKind;
    readonly host: string;
  }[];

  constructor(parts: ListenersParts) {
    this.#parts = parts;
    const { limits, access } = parts.config;
    this.#listeners = parts.wanted.map(([kind, config]) => ({
      listener: new Listener({ ...parts, kind, config, limits, isOpen: access.mode === 'open' }),
      kind,
      host: config.host,
    }));
  }

  /** Reads all TLS files; throws a BrokerError when one is not valid. What is returned puts them in force together. */
  async read(): Promise<() => void> {
    const uses = await Promise.all(this.#listeners.map(({ listener }) => listener.read()));
    return () => {
      for (const use of uses) use();
    };
  }

  /** Opens all of them; rejects with the BrokerError of the first that cannot be opened, after which close() is due. */
  async start(): Promise<Endpoint[]> {
    const { access } = this.#parts.config;
    const use = await this.read();
    const addresses: string[] = [];
    for (const { kind, host } of this.#listeners)
      addresses.push(await resolveListenAddress(kind, host, access));
    use();
    const endpoints: Endpoint[] = [];
    for (const [index, { listener }] of this.#listeners.entries()) {
      endpoints.push(await listener.start(addresses[index] ?? ''));
    }
    for (const endpoint of endpoints) this.#announce(endpoint);
    return endpoints;
  }

  #announce({ kind, host, port }: Endpoint): void {
    const { config, logger } = this.#parts;
    const { root, access } = config;
    if (access.mode === 'open') {
      const reach = isLoopback(host) ? 'on this machine' : 'WHO REACHES THIS ADDRESS';
      logger.warn({ kind, host, port }, `open mode: everybody ${reach} can speak for any device`);
    }
    logger.info({ kind, host, port, root, access: access.mode }, 'broker is listening');
  }

  /** Takes no new socket; resolves when all have ended. */
  async close(): Promise<void> {
    await Promise.all(this.#listeners.map(({ listener }) => listener.close()));
  }
}
