/** The broker as its operator and the detector see it. */
import type { Logger } from 'pino';
import { AedesBroker } from './aedes-broker.ts';
import { type BrokerConfigInput, brokerConfigSchema, describeConfigProblems } from './config.ts';
import type { BrokerCounters } from './counters.ts';
import { Credentials } from './credentials.ts';
import { BrokerError } from './errors.ts';
import type { Tap } from './ingest.ts';
import { resolveListenAddress } from './listener.ts';

export interface BrokerOptions extends BrokerConfigInput {
  readonly logger: Logger;
  /** Takes in every message a device publishes, its will included, before the PUBACK. */
  readonly tap?: Tap;
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
  /** Where it listens; the port is the real one when 0 was asked for. */
  readonly address: { readonly host: string; readonly port: number };
  /**
   * Publishes for the detector in the same process: no access check, not handed to the tap. Resolves when the
   * message is kept (retained, queued for lasting sessions) and on its way to subscribers.
   */
  publish(message: TrustedMessage): Promise<void>;
  counters(): BrokerCounters;
  /**
   * Reads the credentials file again; clients whose user is gone or changed are disconnected. Rejects with a
   * BrokerError and keeps the present users when the file is not valid.
   */
  reload(): Promise<void>;
  /** Stops taking messages, waits for those being taken in, closes every connection. Publishes no will. */
  close(): Promise<void>;
}

/** Rejects with a {@link BrokerError} that names cause and remedy. */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { logger, tap = () => {}, now = Date.now, ...input } = options;
  const parsed = brokerConfigSchema.safeParse(input);
  if (!parsed.success) {
    throw new BrokerError('invalid-config', describeConfigProblems(parsed.error).join('\n'));
  }
  const config = parsed.data;
  const host = await resolveListenAddress(config);
  const { access, limits } = config;
  const credentials =
    access.mode === 'users'
      ? await Credentials.load(access.credentialsFile, limits.passwordChecksMax)
      : undefined;
  const broker = new AedesBroker({ config, logger, tap, now, credentials });
  await broker.start(host);
  return broker;
}
