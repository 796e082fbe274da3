/** A way of asking a database: texts that people can paste elsewhere, and how the answers come back. */
import type { InfluxConnection } from '../../store/influx-connection.ts';
import type { StatePoint } from '../../store/state-line.ts';
import type { DeviceName, Selection } from '../selection.ts';

/** Which points: those with after < at ≤ until. */
export interface PointRequest {
  readonly measurement: string;
  readonly fields: readonly string[];
  readonly select: Selection;
  /** Only these devices. */
  readonly devices?: readonly DeviceName[] | undefined;
  readonly after: number;
  readonly until: number;
  /**
   * - `first`, `last`: one point of each series (class, device, site); the first field has to be one that each point has
   * - `every`: every point
   * - `downs`: points of `device_state` that say down, and those that follow one
   * - `contents`: every point; where history was put right by adding contents, all of them, the newest last
   */
  readonly pick: 'first' | 'last' | 'every' | 'downs' | 'contents';
  /** Columns that the database has, where it refuses queries for others; all are taken to be there unless given. */
  readonly known?: ReadonlySet<string> | undefined;
}

/** One row of an answer: tags and fields by name; `time` is epoch milliseconds. */
export type Row = Readonly<Record<string, unknown>>;

export interface Dialect {
  readonly name: DialectName;
  /** The text that asks for points; rows come by class, then device. */
  points(request: PointRequest): string;
  /**
   * Asks; rows come in the order that the text says, in batches, as they arrive.
   * @throws StoreError `influx-query` when the server refuses, `influx-unreachable` when it does not answer.
   */
  rows(connection: InfluxConnection, text: string): AsyncIterable<readonly Row[]>;
  /** Columns of a measurement, in a dialect whose queries may name no others. @throws StoreError as `rows` does. */
  columns?(connection: InfluxConnection, measurement: string): Promise<ReadonlySet<string>>;
}

export const DIALECT_NAMES = ['influxql', 'flux', 'sql'] as const;
export type DialectName = (typeof DIALECT_NAMES)[number];

/** Fields of `device_state` that tallies are made of. */
export const STATE_FIELDS = [
  'state',
  'status',
  'prev',
  'prev_ms',
  'up_total_ms',
  'down_total_ms',
  'unknown_total_ms',
  'seq',
  'phi',
  'reason',
  'held_ms',
] as const;

const OPTIONAL = 1;
const REQUIRED_FIELDS = STATE_FIELDS.slice(0, -OPTIONAL);

/** The point in a row; undefined for one of somebody else in the same measurement, which lacks what ours all have. */
export function pointOf(row: Row): StatePoint | undefined {
  if (typeof row.time !== 'number') return undefined;
  if (REQUIRED_FIELDS.some((field) => row[field] === null || row[field] === undefined)) return undefined;
  return {
    deviceClass: textOf(row.class),
    device: textOf(row.device),
    site: textOf(row.site) || undefined,
    at: row.time,
    availability: Number(row.state) as StatePoint['availability'],
    status: row.status as StatePoint['status'],
    previous: row.prev as StatePoint['previous'],
    previousMs: Number(row.prev_ms),
    upTotalMs: Number(row.up_total_ms),
    downTotalMs: Number(row.down_total_ms),
    unknownTotalMs: Number(row.unknown_total_ms),
    seq: Number(row.seq),
    phi: Number(row.phi),
    reason: row.reason as StatePoint['reason'],
    heldMs: row.held_ms === null || row.held_ms === undefined ? undefined : Number(row.held_ms),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Tags and the value each has to have. */
export function tagsOf({ device, deviceClass, site }: Selection): [tag: string, value: string][] {
  return Object.entries({ class: deviceClass, device, site }).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
}

/** An instant as all dialects but InfluxQL write it. */
export function isoInstant(at: number): string {
  return new Date(at).toISOString();
}
