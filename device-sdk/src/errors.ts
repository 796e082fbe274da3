/** What goes wrong in expected ways, with a stable `code` to branch on; the message is for people. */
export type DeviceErrorCode =
  /** An option is missing, unknown or not valid; `option` names it. */
  | 'invalid-option'
  /** A text is not a duration such as `90s` or `1h30m`. */
  | 'invalid-duration'
  /** The boot counter's file cannot be read, written, or holds no counter. */
  | 'boot-counter'
  /** A connection could not be made, or the broker refused it; the device keeps trying. */
  | 'connect-failed'
  /** The connection ended, and this side did not ask for it. */
  | 'connection-lost'
  /** The broker did not answer a publish or subscribe within `ackTimeout`. */
  | 'no-answer'
  /** The broker refused the subscription to probes; the device beats on without answering them. */
  | 'subscribe-failed'
  /** `start()` was called on a device that has been stopped. */
  | 'stopped';

export class DeviceError extends Error {
  override readonly name = 'DeviceError';
  readonly code: DeviceErrorCode;
  /** The option at fault, for `invalid-option`. */
  readonly option: string | undefined;

  constructor(code: DeviceErrorCode, message: string, more: { cause?: unknown; option?: string } = {}) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.code = code;
    this.option = more.option;
  }
}
