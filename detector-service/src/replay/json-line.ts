/**
 * Checks of one line of NDJSON, written by hand: a trace has millions of lines, and a schema library would cost
 * more than the detector.
 */
import { LineProblem, quoted } from './trace-error.ts';

export type JsonRecord = Record<string, unknown>;

/** What a field must hold; `null` counts as absent. */
export interface FieldRule {
  readonly holds: (value: unknown) => boolean;
  /** What would be right, for messages. */
  readonly expected: string;
}

const NAME_LENGTH_MAX = 256;

const isAmount = (value: unknown): boolean =>
  typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY;

export const AMOUNT_MS: FieldRule = {
  holds: isAmount,
  expected: 'a number of milliseconds, not negative',
};
export const AMOUNT_S: FieldRule = { holds: isAmount, expected: 'a number of seconds, not negative' };
/** The latest instant a Date can hold, which transitions are printed as. */
const INSTANT_MAX = 8.64e15;
export const INSTANT: FieldRule = {
  holds: (value) => typeof value === 'number' && value >= 0 && value <= INSTANT_MAX,
  expected: 'an instant in milliseconds since 1970, not negative',
};
export const COUNT: FieldRule = {
  holds: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  expected: 'a whole number from 0',
};
export const FLAG: FieldRule = {
  holds: (value) => typeof value === 'boolean',
  expected: 'true or false',
};
export const NAME: FieldRule = {
  holds: (value) => typeof value === 'string' && value.length > 0 && value.length <= NAME_LENGTH_MAX,
  expected: `text of 1 to ${NAME_LENGTH_MAX} characters, in quotes`,
};

/** Parses a line as a JSON object and checks the fields that rules speak of; others are ignored. */
export function parseRecord(text: string, rules: ReadonlyMap<string, FieldRule>): JsonRecord | LineProblem {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return new LineProblem('not-json', `${quoted(text)} is not JSON (${why}); each line must be one object`);
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    return new LineProblem('not-an-object', `${quoted(record)} is not an object in braces`);
  }
  for (const field in record) {
    const rule = rules.get(field);
    if (rule === undefined) continue;
    const value = (record as JsonRecord)[field];
    if (value !== null && !rule.holds(value)) {
      return new LineProblem('wrong-value', `"${field}" is ${quoted(value)}; it must be ${rule.expected}`);
    }
  }
  return record as JsonRecord;
}

export function missing(field: string, rule: FieldRule): LineProblem {
  return new LineProblem('missing-field', `"${field}" is missing; it must be ${rule.expected}`);
}
