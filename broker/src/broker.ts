/** The broker: starting it, speaking through it, stopping it. */
import type { Logger } from 'pino';
import type { BrokerConfigInput } from './config.ts';
import type { BrokerCounters } from './counters.ts';
import type { Tap } from './ingest.ts';

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
  /** Publishes for the detector in the same process: no access check, not handed to the tap. */
  publish(message: TrustedMessage): Promise<void>;
  counters(): BrokerCounters;
  /** Reads the credentials file again; clients whose user is gone or changed are disconnected. */
  reload(): Promise<void>;
  /** Stops taking messages, waits for those being taken in, closes every connection. Publishes no will. */
  close(): Promise<void>;
}
