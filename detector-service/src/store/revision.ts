/**
 * Points that were put right, for servers that do not promise which of two contents of one point wins (InfluxDB 3,
 * VictoriaMetrics): there `rev` is a tag, so that each content is a point of its own, and a query takes the greatest.
 */

/** How a server has to be told of points that were put right. */
export type Revising =
  /** The later content of a point wins: lines as they are. */
  | 'replace'
  /** `rev` as a tag on each point that was put right. */
  | 'tag'
  /**
   * And `rev=0` on those that were not: a query may then name the column from the beginning on, where the server refuses
   * queries for columns that were never written.
   */
  | 'tag-all';

/**
 * By what the server says of itself at `/ping`; InfluxDB 1.x and 2.x promise to replace.
 * @param isAskedFirst before anything was written: what was said first can only have the tag if all of it has
 */
export function revisingOf(version: string | undefined, isAskedFirst: boolean): Revising {
  if (/^v?[12]\./.test(version ?? '')) return 'replace';
  return isAskedFirst && /^v?3\./.test(version ?? '') ? 'tag-all' : 'tag';
}

/** True when some of the lines put a point right. */
export function holdsRevisions(lines: string): boolean {
  return REVISION.test(lines);
}

export function asToldTo(revising: Revising, lines: string): string {
  if (revising === 'tag-all') return eachLine(lines, REVISABLE_LINE);
  return revising === 'tag' && holdsRevisions(lines) ? eachLine(lines, REVISED_LINE) : lines;
}

function eachLine(lines: string, pattern: RegExp): string {
  const tagged = (_: string, series: string, fields: string, rev = '0', at: string): string =>
    `${series},rev=${rev} ${fields} ${at}`;
  return lines
    .split('\n')
    .map((line) => line.replace(pattern, tagged))
    .join('\n');
}

const REVISION = /,rev=-?\d+i /;
/** Ours write `rev` as the last field. A blank in a name is escaped, and the series ends at the first that is not. */
const REVISED_LINE = /^((?:[^ \\]|\\.)+) (.+),rev=(-?\d+)i (-?\d+)$/;
const REVISABLE_LINE = /^(device_(?:state|1h|1d),(?:[^ \\]|\\.)+) (.+?)(?:,rev=(-?\d+)i)? (-?\d+)$/;
