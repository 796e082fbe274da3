/** What can be wrong with a trace or its truth. */

/** Stable words: error codes, and what `skipBad` counts. */
export type BadLine =
  | 'too-long'
  | 'not-json'
  | 'not-an-object'
  | 'missing-field'
  | 'wrong-value'
  | 'bad-kind'
  | 'unknown-class'
  | 'unsorted'
  | 'ambiguous-device';

/** A line that cannot be used; the message names field, value and remedy. */
export class LineProblem {
  readonly reason: BadLine;
  readonly message: string;

  constructor(reason: BadLine, message: string) {
    this.reason = reason;
    this.message = message;
  }
}

export type TraceErrorCode = BadLine | 'unreadable' | 'truncated' | 'bad-classes';

/** A file that cannot be used. The message names the file, and the line where there is one. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
  readonly code: TraceErrorCode;
  /** From 1; absent when the whole file is at fault. */
  readonly line: number | undefined;

  constructor(code: TraceErrorCode, message: string, line?: number, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    this.line = line;
  }
}

const QUOTED_MAX = 60;

/** A value as a message shows it: as JSON, cut where it gets long. */
export function quoted(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text;
}
