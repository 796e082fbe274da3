/** InfluxQL, which 1.x, 2.x (by a DBRP mapping) and 3 speak at `/query`. */
import { type InfluxSeries, queryInfluxQl, quoteString } from '../../store/influxql.ts';
import type { DeviceName, Selection } from '../selection.ts';
import { type Dialect, type PointRequest, type Row, tagsOf } from './dialect.ts';

export const influxQl: Dialect = {
  name: 'influxql',
  points({ measurement, fields, select, devices, after, until, pick }: PointRequest): string {
    const where = [
      ...conditions(select),
      ...(devices === undefined ? [] : [`(${devices.map(named).join(' OR ')})`]),
      ...(pick === 'downs' ? [`(state = 0 OR prev = 'dead')`] : []),
      `time > ${after}ms`,
      `time <= ${until}ms`,
    ];
    const [first = '', ...others] = fields;
    const columns = [selected(first, pick), ...others].join(', ');
    return `SELECT ${columns} FROM ${measurement} WHERE ${where.join(' AND ')} GROUP BY class, device, site`;
  },
  async *rows(connection, text) {
    for await (const series of queryInfluxQl(connection, text)) yield rowsOf(series);
  },
};

/**
 * A selector picks one point, and the other fields come from the same one. `ORDER BY time DESC LIMIT 1` picks the
 * same, but turns the order of the devices around as well.
 */
function selected(field: string, pick: PointRequest['pick']): string {
  return pick === 'first' || pick === 'last' ? `${pick.toUpperCase()}(${field}) AS ${field}` : field;
}

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
