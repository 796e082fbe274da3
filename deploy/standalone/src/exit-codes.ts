/** How a command ends, for scripts: the codes are part of the interface. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** A flag, file or variable is wrong; the message names it. */
  usage: 2,
  /** Something that has to be reached is not there; the message says where. */
  unreachable: 3,
  /** It is there and says no: wrong password, not allowed. */
  refused: 4,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

/** A failure that was to be expected: told in one line, without a stack. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.exitCode = exitCode;
  }
}

/** A flag, file or variable is wrong. The message names it and says what would be right. */
export class UsageError extends CommandError {
  override readonly name = 'UsageError';

  constructor(message: string, cause?: unknown) {
    super(message, EXIT.usage, cause);
  }
}

/** Something that has to be reached is not there. The message says where it was looked for. */
export class UnreachableError extends CommandError {
  override readonly name = 'UnreachableError';

  constructor(message: string, cause?: unknown) {
    super(message, EXIT.unreachable, cause);
  }
}
