/** InfluxQL, which 1.x, 2.x (by a DBRP mapping) and 3 speak at `/query`. */
import { type InfluxSeries, queryInfluxQl, quoteString } from '../../store/influxql.ts';
import { STATE_MEASUREMENT } from '../../store/state-line.ts';
import type { DeviceName, Selection } from '../selection.ts';
import { type Dialect, type PointRequest, type Row, STATE_FIELDS, tagsOf } from './dialect.ts';

/**
 * A selector picks one point, and the other fields come from the same one. `ORDER BY time DESC LIMIT 1` picks the
 * same, but turns the order of the devices around as well.
 */
const SELECTORS = {
  first: 'FIRST(state) AS state',
  last: 'LAST(state) AS state',
  every: 'state',
  downs: 'state',
};
const OTHER_FIELDS = STATE_FIELDS.filter((field) => field !== 'state').join(', ');

export const influxQl: Dialect = {
  name: 'influxql',
  points({ select, devices, after, until, pick }: PointRequest): string {
    const where = [
      ...conditions(select),
      ...(devices === undefined ? [] : [`(${devices.map(named).join(' OR ')})`]),
      ...(pick === 'downs' ? [`(state = 0 OR prev = 'dead')`] : []),
      `time > ${after}ms`,
      `time <= ${until}ms`,
    ];
    return (
      `SELECT ${SELECTORS[pick]}, ${OTHER_FIELDS} FROM ${STATE_MEASUREMENT} WHERE ${where.join(' AND ')}` +
      ' GROUP BY class, device, site'
    );
  },
  async *rows(connection, text) {
    for await (const series of queryInfluxQl(connection, text)) yield rowsOf(series);
  },
};

function conditions(select: Selection): string[] {
  return tagsOf(select).map(([tag, value]) => `"${tag}" = ${quoteString(value)}`);
}

function named({ deviceClass, device }: DeviceName): string {
  return `(${conditions({ deviceClass, device }).join(' AND ')})`;
}

function rowsOf({ tags = {}, columns, values }: InfluxSeries): Row[] {
  return values.map((value) => {
    const row: Record<string, unknown> = { ...tags };
    for (const [index, column] of columns.entries()) row[column] = value[index];
    return row;
  });
}
