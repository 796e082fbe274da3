/** Stable words that say what went wrong; also usable as metric labels. */
export type StoreErrorCode =
  | 'journal-locked'
  | 'journal-backlog-full'
  | 'journal-closed'
  | 'journal-unreadable'
  | 'snapshot-unreadable'
  | 'influx-config'
  | 'influx-query'
  | 'influx-refused'
  | 'influx-unreachable';

/** An expected failure of the store: something a person can put right. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
