export type SimErrorCode =
  /** No built-in scenario has that name. */
  | 'unknown-scenario'
  /** Not one device could connect; the message says where to and why not. */
  | 'broker-unreachable'
  /** The truth or the run record could not be written. */
  | 'file';

/** What goes wrong in expected ways, with a stable `code` to branch on; the message is for people. */
export class SimError extends Error {
  override readonly name = 'SimError';
  readonly code: SimErrorCode;

  constructor(code: SimErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
  }
}
