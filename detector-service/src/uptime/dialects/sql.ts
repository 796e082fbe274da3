/**
 * SQL, which 3.x speaks at `/api/v3/query_sql`; answers are JSON lines.
 *
 * There a point that was put right is a new point with a greater `rev`, so every query first numbers the contents
 * of each point and takes the newest.
 */
import { databaseOf } from '../../store/influx-target.ts';
import type { DeviceName, Selection } from '../selection.ts';
import { answerLines } from './answer-lines.ts';
import { type Dialect, isoInstant, type PointRequest, type Row, tagsOf } from './dialect.ts';

export const sql: Dialect = {
  name: 'sql',
  points(request: PointRequest): string {
    const { measurement, fields, pick, known } = request;
    const has = (column: string): boolean => known?.has(column) ?? true;
    const names = ['class', 'device', 'site', 'time', ...fields].map((name) =>
      has(name) ? name : `NULL AS ${name}`,
    );
    const columns = `SELECT ${names.join(', ')}`;
    const where = `WHERE ${conditionsOf(request).join(' AND ')}`;
    if (pick === 'contents') {
      const oldestFirst = has('rev') ? ', rev ASC NULLS FIRST' : '';
      return [columns, `FROM ${measurement} ${where}`, `ORDER BY class, device, time${oldestFirst}`].join(
        '\n',
      );
    }
    const downs = pick === 'downs' ? ` AND (state = 0 OR prev = 'dead')` : '';
    return [
      columns,
      `FROM (SELECT *, ROW_NUMBER() OVER (${numbering(pick, has)}) AS number`,
      `  FROM ${measurement} ${where}) AS numbered`,
      `WHERE number = 1${downs}`,
      'ORDER BY class, device, time',
    ].join('\n');
  },
  async *rows(connection, text) {
    const body = JSON.stringify({ db: databaseOf(connection.target), q: text, format: 'jsonl' });
    const request = { path: '/api/v3/query_sql', body, contentType: 'application/json' };
    for await (const lines of answerLines(connection, request)) {
      yield lines.filter((line) => line !== '').map((line) => rowOf(JSON.parse(line)));
    }
  },
  async columns(connection, measurement) {
    const text = `SELECT column_name FROM information_schema.columns WHERE table_name = ${quoted(measurement)}`;
    const names = new Set<string>();
    for await (const rows of sql.rows(connection, text)) {
      for (const { column_name: name } of rows) if (typeof name === 'string') names.add(name);
    }
    return names;
  },
};

/** Number 1 is the point wanted, and of its contents the newest. */
function numbering(pick: PointRequest['pick'], has: (column: string) => boolean): string {
  const series = ['class', 'device', 'site'].filter(has).join(', ');
  const newest = has('rev') ? ['rev DESC NULLS LAST'] : [];
  if (pick === 'first') return `PARTITION BY ${series} ORDER BY ${['time ASC', ...newest].join(', ')}`;
  if (pick === 'last') return `PARTITION BY ${series} ORDER BY ${['time DESC', ...newest].join(', ')}`;
  return `PARTITION BY ${series}, time ORDER BY ${newest[0] ?? 'time'}`;
}

function conditionsOf({ select, devices, after, until }: PointRequest): string[] {
  return [
    ...conditions(select),
    ...(devices === undefined ? [] : [`(${devices.map(named).join(' OR ')})`]),
    `time > '${isoInstant(after)}'`,
    `time <= '${isoInstant(until)}'`,
  ];
}

function conditions(select: Selection): string[] {
  return tagsOf(select).map(([tag, value]) => `${tag} = ${quoted(value)}`);
}

function named(name: DeviceName): string {
  return `(${conditions(name).join(' AND ')})`;
}

/** A string literal: standard SQL knows no escape but the doubled quote. */
function quoted(text: string): string {
  return `'${text.replace(/'/g, "''")}'`;
}

/** Times come in UTC without saying so: `2026-11-20T10:15:00.123`. */
function rowOf(row: Record<string, unknown>): Row {
  const time = String(row.time).replace(' ', 'T').replace(/Z$/, '');
  return { ...row, time: Date.parse(`${time}Z`) };
}
