/**
 * Uptime from InfluxDB by InfluxQL: two small queries for a selection, a third for devices that began in the
 * window, and all points only of the few whose life was interrupted in it.
 */
import { InfluxConnection } from '../store/influx-connection.ts';
import type { InfluxTarget } from '../store/influx-target.ts';
import { type InfluxSeries, queryInfluxQl, quoteString } from '../store/influxql.ts';
import { STATE_MEASUREMENT, type StatePoint } from '../store/state-line.ts';
import { LOOK_BACK_MS } from './tally.ts';
import type { DeviceName, Selection, UptimeSource } from './uptime.ts';

const FIELDS =
  'state, status, prev, prev_ms, up_total_ms, down_total_ms, unknown_total_ms, seq, phi, reason, held_ms';

/** The time, and all fields up to the reason. */
const REQUIRED_COLUMNS = 11;

/** Devices asked for in one query of histories. */
const DEVICES_AT_ONCE = 100;

/** Asks the database of a target; nothing is written. `close()` ends its connections. */
export function influxSource(target: InfluxTarget, timeoutMs = 60_000): UptimeSource & { close(): void } {
  const connection = new InfluxConnection(target, timeoutMs);
  const points = (select: Selection, after: number, until: number, tail: string) =>
    pointsOf(queryInfluxQl(connection, statement(conditions(select), after, until, tail)));
  return {
    async *endpoints(select, { from, to }) {
      const known = new Set<string>();
      for await (const point of points(select, from - LOOK_BACK_MS, from, LAST)) {
        known.add(`${point.deviceClass}/${point.device}`);
        yield point;
      }
      let hasNew = false;
      for await (const point of points(select, from, to, LAST)) {
        hasNew ||= !known.has(`${point.deviceClass}/${point.device}`);
        yield point;
      }
      if (hasNew) yield* points(select, from, to, FIRST);
    },
    async *history(select, devices, { from, to }) {
      for (let start = 0; start < devices.length; start += DEVICES_AT_ONCE) {
        const named = devices
          .slice(start, start + DEVICES_AT_ONCE)
          .map(ofDevice)
          .join(' OR ');
        const where = [...conditions({ site: select.site }), `(${named})`];
        yield* pointsOf(queryInfluxQl(connection, statement(where, from - LOOK_BACK_MS, to, '')));
      }
    },
    close: () => connection.close(),
  };
}

const LAST = ' ORDER BY time DESC LIMIT 1';
const FIRST = ' ORDER BY time ASC LIMIT 1';

/** The query for points with after < time ≤ until, as text that people can paste elsewhere. */
function statement(where: readonly string[], after: number, until: number, tail: string): string {
  const all = [...where, `time > ${after}ms`, `time <= ${until}ms`].join(' AND ');
  return `SELECT ${FIELDS} FROM ${STATE_MEASUREMENT} WHERE ${all} GROUP BY class, device, site${tail}`;
}

function conditions({ device, deviceClass, site }: Selection): string[] {
  const tags = { class: deviceClass, device, site };
  return Object.entries(tags).flatMap(([tag, value]) =>
    value === undefined ? [] : [`"${tag}" = ${quoteString(value)}`],
  );
}

function ofDevice({ deviceClass, device }: DeviceName): string {
  return `(${conditions({ deviceClass, device }).join(' AND ')})`;
}

async function* pointsOf(series: AsyncIterable<InfluxSeries>): AsyncGenerator<StatePoint> {
  for await (const { tags, values } of series) {
    for (const value of values) {
      // A point of somebody else in the same measurement may lack what ours all have.
      if (value.slice(0, REQUIRED_COLUMNS).every((field) => field !== null)) yield pointOf(tags ?? {}, value);
    }
  }
}

/** Columns come in the order of {@link FIELDS}, after the time. */
function pointOf(tags: Readonly<Record<string, string>>, value: readonly unknown[]): StatePoint {
  return {
    deviceClass: tags.class ?? '',
    device: tags.device ?? '',
    site: tags.site || undefined,
    at: value[0] as number,
    availability: value[1] as StatePoint['availability'],
    status: value[2] as StatePoint['status'],
    previous: value[3] as StatePoint['previous'],
    previousMs: value[4] as number,
    upTotalMs: value[5] as number,
    downTotalMs: value[6] as number,
    unknownTotalMs: value[7] as number,
    seq: value[8] as number,
    phi: value[9] as number,
    reason: value[10] as StatePoint['reason'],
    heldMs: (value[11] as number | null) ?? undefined,
  };
}
