/** What the broker counts. Every reason is present from the start, at zero. */

/** Why something was refused, dropped or cut off; stable, and used as a metric label. */
export const REASONS = {
  'connections-max': 'no room for another socket',
  'connections-per-address-max': 'too many sockets from one address',
  'connection-rate': 'new sockets from one address too fast',
  'proxy-header': 'no PROXY header of a known proxy where one is needed',
  'tls-failed': 'a TLS handshake that came to nothing',
  'websocket-refused': 'HTTP that is no MQTT over WebSocket, or from a foreign page',
  'handshake-evicted': 'closed while waiting for its CONNECT, to make room',
  'connect-timeout': 'no CONNECT, or no log-in, in time',
  'connect-too-large': 'a CONNECT longer than allowed',
  'packet-too-large': 'a packet longer than allowed',
  'payload-too-large': 'a payload longer than allowed',
  'topic-too-long': 'a topic with too many characters or levels',
  malformed: 'bytes that are not MQTT 3.1.1',
  'protocol-version': 'an MQTT version other than 3.1 and 3.1.1',
  'client-id': 'an empty, too long or unprintable client id',
  'client-id-duplicate': 'one client id used by several clients in turn',
  'login-missing': 'no user name, token or certificate where one is needed',
  'login-failed': 'an unknown user, a wrong password or a bad token',
  'login-limited': 'too many wrong log-ins from the address or as the user',
  'token-keys-unavailable': 'the keys of tokens could not be fetched',
  'login-overload': 'too many log-ins at once',
  'login-revoked': 'the user, token or certificate is no longer accepted',
  'login-expired': 'the token or certificate ran out during the connection',
  'certificate-refused': 'a client certificate that proves nothing here',
  'will-refused': 'a will on a topic its client may not use',
  'publish-refused': 'a message on a topic its client may not use',
  'subscribe-refused': 'a filter its client may not use',
  'subscriptions-max': 'too many subscriptions of one client',
  'sessions-max': 'too many kept sessions',
  'queue-overflow': 'the oldest message of a kept session made room',
  'retained-max': 'too many retained messages',
  'rate-limit': 'a client that sends too fast',
  'slow-reader': 'a subscriber that does not read',
  'keepalive-timeout': 'silence beyond the keepalive',
  'tap-rejected': 'the detector did not take the message in',
  'tap-timeout': 'the detector did not answer in time',
  'tap-shed': 'a QoS 0 message not handed to the busy detector',
  'overload-shed': 'a QoS 0 message that waited too long for its turn, more coming than can be taken',
  store: 'a file of sessions or retained verdicts that was damaged or could not be written',
  lease: 'a client that came while another broker may have taken over',
  closing: 'refused because the broker is closing',
  internal: 'an unexpected error inside the broker',
} as const;

export type Reason = keyof typeof REASONS;

export interface BrokerCounters {
  /** Sockets open now. */
  readonly connectionsOpen: number;
  /** Clients logged in now. */
  readonly clientsConnected: number;
  readonly connectionsTotal: number;
  readonly connectsTotal: number;
  /** Connections that ended because their client id came again. */
  readonly takeoversTotal: number;
  /** Device messages the tap has taken in (without one: accepted), wills included. */
  readonly messagesTaken: number;
  /** Of those, wills. */
  readonly willsTaken: number;
  /** Clients of before a restart that may still come back; who does not has its will published. */
  readonly orphans: number;
  /** Device messages handed to the tap and not yet taken in. */
  readonly tapsPending: number;
  readonly retainedMessages: number;
  readonly sessionsKept: number;
  readonly refused: Readonly<Record<Reason, number>>;
}
