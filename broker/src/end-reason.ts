/** Why Aedes ended a connection, from the only thing it tells: an error's text. */
import type { Reason } from './counters.ts';
import { Refusal } from './errors.ts';

/** What ends a WebSocket that sends more frames than its packets can need. */
export const FRAMES_TOO_FAST = 'too many WebSocket frames';

const BY_MESSAGE: ReadonlyMap<string, Reason> = new Map([
  ['keep alive timeout', 'keepalive-timeout'],
  ['drain timeout', 'slow-reader'],
  ['unacceptable protocol version', 'protocol-version'],
  ['Invalid protocol version', 'protocol-version'],
  ['identifier rejected', 'client-id'],
  ['topic has too many levels', 'topic-too-long'],
  ['Client queue limit reached', 'rate-limit'],
  [FRAMES_TOO_FAST, 'rate-limit'],
]);

/** Links break; nobody did anything wrong. */
const LINK_LOST: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ECONNABORTED',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_WRITE_AFTER_END',
]);

export function isLinkLost(error: Error): boolean {
  return LINK_LOST.has((error as NodeJS.ErrnoException).code);
}

/** Undefined when there is nothing to count: the link was lost, or the refusal was counted where it was made. */
export function endReason(error: Error): Reason | undefined {
  if (error instanceof Refusal) return undefined;
  if (isLinkLost(error) || error.message === 'connection closed') return undefined;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return 'packet-too-large';
  if (code?.startsWith('WS_ERR_')) return 'malformed';
  if (error instanceof TypeError || error instanceof RangeError) return 'internal';
  if (error.message.startsWith('maxInflightInbound')) return 'rate-limit';
  return BY_MESSAGE.get(error.message) ?? 'malformed';
}
