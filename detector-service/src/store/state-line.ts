/**
 * One point of the series `device_state`, as it is written and read.
 *
 * The fields always come in the same order with the same names, so that the same verdict is the same bytes when
 * it is sent again, and so that a reader can take a line apart in one pass.
 */
import { type Reason, STATES, type State } from '../detector/transition.ts';
import { escapeTag, unescapeName } from './line-protocol.ts';

export const STATE_MEASUREMENT = 'device_state';

/** Why a point is there: a verdict's reason, or `moved` for the end of a device's series at its former site. */
export type PointReason = Reason | 'moved';

export interface StatePoint {
  readonly deviceClass: string;
  readonly device: string;
  readonly site?: string | undefined;
  /** Epoch milliseconds; strictly increasing within a device. */
  readonly at: number;
  /** 1 up, 0 down, −1 unknown, from `at` on. */
  readonly availability: 1 | 0 | -1;
  readonly status: State;
  /** The verdict before this one, and how long it lasted. */
  readonly previous: State;
  readonly previousMs: number;
  /** Time up, down and unknown from the device's first point to `at`; their sum is the time between the two. */
  readonly upTotalMs: number;
  readonly downTotalMs: number;
  readonly unknownTotalMs: number;
  /** Number of the verdict, from 1; a checkpoint repeats the number of the verdict it carries forward. */
  readonly seq: number;
  readonly phi: number;
  readonly reason: PointReason;
  /** Checkpoints only: how long the verdict has held. 0 where a verdict replaced a checkpoint of the same instant. */
  readonly heldMs?: number | undefined;
  /** By how much `at` had to be moved to stay behind the verdict before it. */
  readonly bumpedMs?: number | undefined;
  /** When this point was put right: it replaces another content at the same instant. Epoch milliseconds. */
  readonly rev?: number | undefined;
}

/** Tags of a device's series; the part of the line that never changes. */
export function stateKey(deviceClass: string, device: string, site?: string): string {
  const place = site ? `,site=${escapeTag(site)}` : '';
  return `${STATE_MEASUREMENT},class=${escapeTag(deviceClass)},device=${escapeTag(device)}${place}`;
}

export function formatStateLine(
  key: string,
  point: Omit<StatePoint, 'deviceClass' | 'device' | 'site'>,
): string {
  let line =
    `${key} state=${point.availability}i,status="${point.status}"` +
    `,prev="${point.previous}",prev_ms=${point.previousMs}i` +
    `,up_total_ms=${point.upTotalMs}i,down_total_ms=${point.downTotalMs}i,unknown_total_ms=${point.unknownTotalMs}i` +
    `,seq=${point.seq}i,phi=${point.phi},reason="${point.reason}"`;
  if (point.heldMs !== undefined) line += `,held_ms=${point.heldMs}i`;
  // A field that was once written stays until it is overwritten, so a restated point says every field.
  if (point.bumpedMs || point.rev !== undefined) line += `,bumped_ms=${point.bumpedMs ?? 0}i`;
  if (point.rev !== undefined) line += `,rev=${point.rev}i`;
  return `${line} ${point.at}`;
}

/** A backslash before a separator escapes it, even a backslash that follows another: InfluxDB reads it so. */
const TAG = '((?:[^, =]|(?<=\\\\)[, =])+)';
const STATE_LINE = new RegExp(
  `^${STATE_MEASUREMENT},class=${TAG},device=${TAG}(?:,site=${TAG})? ` +
    'state=(-?\\d)i,status="(\\w+)",prev="(\\w+)",prev_ms=(\\d+)i,' +
    'up_total_ms=(\\d+)i,down_total_ms=(\\d+)i,unknown_total_ms=(\\d+)i,' +
    'seq=(\\d+)i,phi=([\\d.e+-]+),reason="([\\w-]+)"' +
    '(?:,held_ms=(\\d+)i)?(?:,bumped_ms=(\\d+)i)?(?:,rev=(-?\\d+)i)? (-?\\d+)$',
);

const KNOWN_STATES: ReadonlySet<string> = new Set(STATES);

/** Reads what {@link formatStateLine} wrote; undefined for any other line. Never throws. */
export function parseStateLine(line: string): StatePoint | undefined {
  const part = STATE_LINE.exec(line);
  if (part === null) return undefined;
  const availability = Number(part[4]);
  if (availability > 1 || availability < -1) return undefined;
  if (!KNOWN_STATES.has(part[5] as string) || !KNOWN_STATES.has(part[6] as string)) return undefined;
  return {
    deviceClass: unescapeName(part[1] as string),
    device: unescapeName(part[2] as string),
    site: part[3] === undefined ? undefined : unescapeName(part[3]),
    availability: availability as 1 | 0 | -1,
    status: part[5] as State,
    previous: part[6] as State,
    previousMs: Number(part[7]),
    upTotalMs: Number(part[8]),
    downTotalMs: Number(part[9]),
    unknownTotalMs: Number(part[10]),
    seq: Number(part[11]),
    phi: Number(part[12]),
    reason: part[13] as PointReason,
    heldMs: part[14] === undefined ? undefined : Number(part[14]),
    bumpedMs: part[15] === undefined ? undefined : Number(part[15]),
    rev: part[16] === undefined ? undefined : Number(part[16]),
    at: Number(part[17]),
  };
}
