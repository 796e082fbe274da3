/** A place in the journal: the day segment, and the byte offset in it at which the next line starts. */
export interface Position {
  /** UTC day as `2026-11-20`. */
  readonly segment: string;
  readonly offset: number;
}

/** Before everything any journal holds. */
export const JOURNAL_START: Position = { segment: '0000-00-00', offset: 0 };

/** Negative when `a` comes before `b`, zero when they are the same place. */
export function comparePositions(a: Position, b: Position): number {
  if (a.segment !== b.segment) return a.segment < b.segment ? -1 : 1;
  return a.offset - b.offset;
}
