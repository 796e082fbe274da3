/**
 * SQL, which 3.x speaks at `/api/v3/query_sql`; answers are JSON lines.
 *
 * There a point that was put right is a new point with a greater `rev`, so every query first numbers the contents
 * of each point and takes the newest.
 */
import { databaseOf } from '../../store/influx-target.ts';
import { STATE_MEASUREMENT } from '../../store/state-line.ts';
import type { DeviceName, Selection } from '../selection.ts';
import { answerLines } from './answer-lines.ts';
import { type Dialect, isoInstant, type PointRequest, type Row, STATE_FIELDS, tagsOf } from './dialect.ts';

const SERIES = 'class, device, site';
const NEWEST_CONTENT = 'rev DESC NULLS LAST';
const NUMBERED = {
  first: `PARTITION BY ${SERIES} ORDER BY time ASC, ${NEWEST_CONTENT}`,
  last: `PARTITION BY ${SERIES} ORDER BY time DESC, ${NEWEST_CONTENT}`,
  every: `PARTITION BY ${SERIES}, time ORDER BY ${NEWEST_CONTENT}`,
  downs: `PARTITION BY ${SERIES}, time ORDER BY ${NEWEST_CONTENT}`,
};

export const sql: Dialect = {
  name: 'sql',
  points({ select, devices, after, until, pick }: PointRequest): string {
    const where = [
      ...conditions(select),
      ...(devices === undefined ? [] : [`(${devices.map(named).join(' OR ')})`]),
      `time > '${isoInstant(after)}'`,
      `time <= '${isoInstant(until)}'`,
    ];
    return [
      `SELECT ${SERIES}, time, ${STATE_FIELDS.join(', ')}`,
      `FROM (SELECT *, ROW_NUMBER() OVER (${NUMBERED[pick]}) AS number`,
      `  FROM ${STATE_MEASUREMENT} WHERE ${where.join(' AND ')}) AS numbered`,
      `WHERE number = 1${pick === 'downs' ? ` AND (state = 0 OR prev = 'dead')` : ''}`,
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
};

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
