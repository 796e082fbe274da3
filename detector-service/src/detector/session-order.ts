/**
 * Which of two messages is the later one? Not the one that arrives later: a broker publishes an old session's
 * will after the new session's birth, and a bridge delivers a backlog. Order is by (generation, session).
 */

/** What a message says about who sent it. */
export interface Identified {
  readonly generation?: number | undefined;
  readonly session?: number | undefined;
}

/** Who sent a message, compared with what is known of the device. */
export type SessionOrder =
  /** A boot that is new to us. */
  | 'new-generation'
  /** The known boot on a new connection. */
  | 'new-session'
  | 'current'
  /** Of a boot or connection that has been succeeded: proves nothing about now. */
  | 'superseded'
  /** The message names no generation: a third-party device, taken at its arrival. */
  | 'unidentified';

/**
 * @param generation known one, −1 for none
 * @param session known one, −1 for none
 * @param bootedSince true when the message proves a boot after the last sign of life: then the boot is new
 *   whatever its number, else a device whose boot counter or clock was reset would stay dead for ever
 */
export function sessionOrder(
  generation: number,
  session: number,
  message: Identified,
  bootedSince = false,
): SessionOrder {
  if (message.generation === undefined) return 'unidentified';
  if (message.generation > generation) return 'new-generation';
  if (message.generation < generation) return bootedSince ? 'new-generation' : 'superseded';
  if (message.session === undefined || message.session === session) return 'current';
  return message.session > session ? 'new-session' : 'superseded';
}
