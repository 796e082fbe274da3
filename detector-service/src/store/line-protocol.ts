/**
 * InfluxDB line protocol: `measurement,tag=value field=1i,other="text" 1700000000000`.
 *
 * Timestamps are epoch milliseconds as everywhere in this project, so writes say `precision=ms`. The rules for
 * backslashes are InfluxDB's own: in names and tags a backslash escapes only a following separator and is
 * otherwise an ordinary character; in quoted strings it escapes itself and the quote.
 */

/** Integers are `bigint` (`42i`, int64), floats are `number` (`42`): line protocol never mixes them in one field. */
export type FieldValue = number | bigint | string | boolean;

export interface Point {
  readonly measurement: string;
  /** Written sorted by key, as InfluxDB likes them; empty values are left out, for InfluxDB has none. */
  readonly tags: Readonly<Record<string, string>>;
  /** Written in the order given. At least one. */
  readonly fields: Readonly<Record<string, FieldValue>>;
  /** Epoch milliseconds. */
  readonly at: number;
}

/**
 * Writes a point as one line without its newline.
 * @throws RangeError for what no line can carry: no field, a non-finite float, an instant that is no whole
 * number, a line break, or a name or tag that is empty or ends in a backslash.
 */
export function formatPoint(point: Point): string {
  const tags = Object.keys(point.tags)
    .filter((key) => point.tags[key] !== '')
    .sort()
    .map((key) => `,${escapeTag(key)}=${escapeTag(point.tags[key] as string)}`)
    .join('');
  const fields = Object.entries(point.fields).map(
    ([key, value]) => `${escapeTag(key)}=${formatField(value)}`,
  );
  if (fields.length === 0) throw new RangeError(`a point of ${point.measurement} needs a field`);
  if (!Number.isSafeInteger(point.at)) throw new RangeError(`${point.at} is no whole number of milliseconds`);
  return `${escapeMeasurement(point.measurement)}${tags} ${fields.join(',')} ${point.at}`;
}

export function escapeMeasurement(name: string): string {
  return checked(name).replace(/[, ]/g, '\\$&');
}

/** Nothing to escape, nothing to refuse: nearly every name. */
const PLAIN = /^[\w.:-]+$/;

/** Escapes a tag key, a tag value or a field key. */
export function escapeTag(text: string): string {
  return PLAIN.test(text) ? text : checked(text).replace(/[,= ]/g, '\\$&');
}

function checked(name: string): string {
  if (name === '') throw new RangeError('a name or tag in line protocol cannot be empty');
  if (name.endsWith('\\')) throw new RangeError(`${JSON.stringify(name)} ends in a backslash`);
  return withoutLineBreak(name);
}

function withoutLineBreak(text: string): string {
  if (/[\n\r]/.test(text)) throw new RangeError(`${JSON.stringify(text)} holds a line break`);
  return text;
}

const INT64_MAX = 2n ** 63n - 1n;

export function formatField(value: FieldValue): string {
  if (typeof value === 'string') return `"${withoutLineBreak(value).replace(/["\\]/g, '\\$&')}"`;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'bigint') {
    if (value > INT64_MAX || value < -INT64_MAX - 1n) throw new RangeError(`${value} does not fit 64 bits`);
    return `${value}i`;
  }
  if (!Number.isFinite(value)) throw new RangeError(`line protocol has no ${value}`);
  return String(value);
}

/** Reads a line that {@link formatPoint} wrote, or a like one; undefined for anything else. Never throws. */
export function parsePoint(line: string): Point | undefined {
  const keyEnd = separator(line, ' ', 0);
  const fieldsEnd = line.lastIndexOf(' ');
  if (keyEnd <= 0 || fieldsEnd <= keyEnd) return undefined;
  const at = parseInstant(line, fieldsEnd + 1);
  const fields = parseFields(line, keyEnd + 1, fieldsEnd);
  if (at === undefined || fields === undefined) return undefined;
  const nameEnd = separator(line, ',', 0, keyEnd);
  const tags: Record<string, string> = Object.create(null);
  for (let start = nameEnd + 1; start <= keyEnd; ) {
    const end = separator(line, ',', start, keyEnd);
    const equals = separator(line, '=', start, end);
    if (equals === start || equals >= end - 1) return undefined;
    tags[unescapeName(line.slice(start, equals))] = unescapeName(line.slice(equals + 1, end));
    start = end + 1;
  }
  const measurement = line.slice(0, nameEnd).replace(/\\([, ])/g, '$1');
  return measurement === '' ? undefined : { measurement, tags, fields, at };
}

/** The instant at the end of a line; undefined when there is none. */
export function parseInstant(line: string, start: number): number | undefined {
  const at = wholeNumber(line, start, line.length);
  return Number.isSafeInteger(at) ? at : undefined;
}

/** Index of the next unescaped `mark`, or `end` when there is none. */
function separator(line: string, mark: string, start: number, end = line.length): number {
  let index = line.indexOf(mark, start);
  while (index > 0 && line[index - 1] === '\\') index = line.indexOf(mark, index + 1);
  return index < 0 || index > end ? end : index;
}

/** Undoes {@link escapeTag}. */
export function unescapeName(text: string): string {
  return text.includes('\\') ? text.replace(/\\([,= ])/g, '$1') : text;
}

function parseFields(line: string, from: number, to: number): Record<string, FieldValue> | undefined {
  const fields: Record<string, FieldValue> = Object.create(null);
  for (let start = from; start < to; ) {
    const equals = separator(line, '=', start, to);
    if (equals === start || equals >= to - 1) return undefined;
    const end =
      line[equals + 1] === '"' ? quoteEnd(line, equals + 2, to) : separator(line, ',', equals + 1, to);
    const value = parseField(line.slice(equals + 1, end));
    if (value === undefined || (end < to && line[end] !== ',') || end === to - 1) return undefined;
    fields[unescapeName(line.slice(start, equals))] = value;
    start = end + 1;
  }
  return fields;
}

/** Index after the quote that closes a string whose content starts at `start`. */
function quoteEnd(line: string, start: number, to: number): number {
  for (let index = start; index < to; index++) {
    if (line[index] === '\\') index++;
    else if (line[index] === '"') return index + 1;
  }
  return to;
}

function parseField(text: string): FieldValue | undefined {
  if (/^"(?:[^"\\]|\\.)*"$/.test(text)) return text.slice(1, -1).replace(/\\(["\\])/g, '$1');
  if (/^-?\d+i$/.test(text)) return BigInt(text.slice(0, -1));
  if (text === 'true') return true;
  if (text === 'false') return false;
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

/** NaN unless the range holds an optional minus and digits only. */
function wholeNumber(line: string, start: number, end: number): number {
  const first = line.charCodeAt(start) === 45 ? start + 1 : start;
  if (first >= end) return Number.NaN;
  let value = 0;
  for (let index = first; index < end; index++) {
    const digit = line.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return first > start ? -value : value;
}
