import type { Reason } from './counters.ts';

/** MQTT 3.1.1 section 3.2.2.3: identifier rejected, server unavailable, bad credentials, not authorized. */
export type ConnackCode = 2 | 3 | 4 | 5;

/** Something a client wanted and does not get. It ends that client's connection and nothing else. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: Reason;
  /** Read by Aedes when it answers a CONNECT. */
  readonly returnCode: ConnackCode;

  constructor(reason: Reason, detail: string, returnCode: ConnackCode = 5) {
    super(detail);
    this.reason = reason;
    this.returnCode = returnCode;
  }
}

export type BrokerErrorCode =
  | 'invalid-config'
  | 'open-on-network'
  | 'host-unknown'
  | 'address-in-use'
  | 'address-not-available'
  | 'permission-denied'
  | 'listen-failed'
  | 'credentials-unreadable'
  | 'credentials-invalid'
  | 'certificate-unreadable'
  | 'certificate-invalid'
  | 'token-keys-unreadable'
  | 'token-keys-invalid'
  | 'directory-unusable'
  | 'redis-unusable'
  | 'superseded'
  | 'closed';

/** The broker cannot do what its operator asked; the message names the cause and the remedy. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';
  readonly code: BrokerErrorCode;

  constructor(code: BrokerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
