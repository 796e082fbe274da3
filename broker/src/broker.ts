/** The broker as its operator and the detector see it. */
import type { Logger } from 'pino';
import { AedesBroker } from './aedes-broker.ts';
import type { ClientPage, ClientQuery } from './client-pages.ts';
import {
  type BrokerConfig,
  type BrokerConfigInput,
  brokerConfigSchema,
  describeConfigProblems,
  wantedListeners,
} from './config.ts';
import type { BrokerCounters } from './counters.ts';
import { BrokerError } from './errors.ts';
import { Identification } from './identification.ts';
import type { Tap } from './ingest.ts';
import type { Endpoint } from './listener.ts';

export interface BrokerOptions extends BrokerConfigInput {
  readonly logger: Logger;
  /** Takes in every message a device publishes, its will included, before the PUBACK. */
  readonly tap?: Tap;
  /**
   * Keeps retained verdicts and lasting sessions over restarts; one broker per directory. Without it they live in
   * memory.
   */
  readonly directory?: string;
  /** Epoch milliseconds; the system's clock unless told. */
  readonly now?: () => number;
}

export interface TrustedMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

export interface Broker extends AsyncDisposable {
  /** Where it listens, TCP first; ports are the real ones where 0 was asked for. A standby listens nowhere. */
  readonly endpoints: readonly Endpoint[];
  /**
   * Resolves when it listens: at once, or when a standby has taken over. Rejects with a BrokerError when it could not, and
   * when it was closed before.
   */
  readonly serving: Promise<void>;
  /**
   * Resolves when the broker had to end by itself: a standby could not take over, or another broker has (`superseded`).
   * All connections have ended by then, and no will was published.
   */
  readonly failed: Promise<BrokerError>;
  /**
   * Publishes for the detector in the same process: no access check, not handed to the tap. Resolves when the
   * message is kept (retained, queued for lasting sessions) and on its way to subscribers.
   */
  publish(message: TrustedMessage): Promise<void>;
  counters(): BrokerCounters;
  /** Who is connected, a page at a time. Names no secret. */
  clients(query: ClientQuery): ClientPage;
  /**
   * Reads users, keys of tokens, certificates and revocation lists again; clients whose user, token or certificate is
   * no longer accepted, or has other rights, are disconnected. Rejects with a BrokerError and changes nothing when
   * any of the files is not valid.
   */
  reload(): Promise<void>;
  /** Why nobody should be sent here; undefined while everybody is welcome. */
  readonly problem: string | undefined;
  /**
   * A planned end: takes no new connection and ends those there are in turn (`limits.shutdownDisconnectsPerSecond`),
   * serving them until then. Publishes no will of whom it ends. Resolves when it is time for {@link Broker.close}.
   */
  drain(): Promise<void>;
  /** Stops taking messages, waits for those being taken in, closes every connection. Publishes no will. */
  close(): Promise<void>;
}

/**
 * Resolves when the broker listens; with `redis.standby` also when it waits for another one to end, see
 * {@link Broker.serving}. Rejects with a {@link BrokerError} that names cause and remedy.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { logger, tap, now = Date.now, directory, ...input } = options;
  const parsed = brokerConfigSchema.safeParse(input);
  if (!parsed.success) {
    throw new BrokerError('invalid-config', describeConfigProblems(parsed.error).join('\n'));
  }
  const config = parsed.data;
  const problem = configProblem(config);
  if (problem !== undefined) throw new BrokerError('invalid-config', problem);
  const identification = await Identification.load(config.access, config.limits, now);
  const broker = new AedesBroker({ config, logger, tap, now, identification, directory });
  await broker.start();
  return broker;
}

/** What is wrong between sections that are right by themselves. */
function configProblem(config: BrokerConfig): string | undefined {
  const listeners = wantedListeners(config);
  if (listeners.length === 0) return 'broker: no listener is left; enable tcp, or add tls, ws or wss';
  const asking = listeners.find(([, { tls }]) => tls?.clientCaFile !== undefined);
  const uses = config.access.mode === 'users' && config.access.certificates !== undefined;
  if (asking !== undefined && !uses) {
    return `broker.${asking[0]}.clientCaFile: certificates are asked for and not looked at; set access.certificates (mode "users")`;
  }
  if (uses && asking === undefined) {
    return 'broker.access.certificates: no listener asks for one; set clientCaFile of tls or wss';
  }
  return undefined;
}
