/**
 * Points that were put right, for servers that do not promise which of two contents of one point wins (InfluxDB 3,
 * VictoriaMetrics): there `rev` is a tag, so that each content is a point of its own, and a query takes the greatest.
 */

/** True when some of the lines put a point right. */
export function holdsRevisions(lines: string): boolean {
  return REVISION.test(lines);
}

/** The same lines with `rev` as a tag where there is one; ours write it as the last field. */
export function withRevisionTags(lines: string): string {
  return lines
    .split('\n')
    .map((line) => line.replace(REVISED_LINE, '$1,rev=$3 $2 $4'))
    .join('\n');
}

const REVISION = /,rev=-?\d+i /;
/** A blank in a name is escaped, and the series ends at the first that is not. */
const REVISED_LINE = /^((?:[^ \\]|\\.)+) (.+),rev=(-?\d+)i (-?\d+)$/;
