/** Flux, which 2.x speaks at `/api/v2/query`; answers are CSV. */
import { LineSplitter } from '@influxdata/influxdb-client';
import { StoreError } from '../../store/errors.ts';
import type { DeviceName, Selection } from '../selection.ts';
import { answerLines } from './answer-lines.ts';
import { type Dialect, isoInstant, type PointRequest, type Row, tagsOf } from './dialect.ts';

/** Columns that are text; all others but the time are numbers. */
const TEXTS: ReadonlySet<string> = new Set([
  ...['class', 'device', 'site', 'status', 'prev', 'reason', 'state_end', 'lat_kind'],
  ...['error', 'reference', 'result'],
]);

/** Flux for one bucket. */
export function flux(bucket: string): Dialect {
  return {
    name: 'flux',
    points: (request) => pointsText(bucket, request),
    async *rows(connection, text) {
      const { target } = connection;
      const path = `/api/v2/query?${new URLSearchParams({ org: target.org ?? '' })}`;
      const dialect = { header: true, annotations: [], delimiter: ',' };
      const body = JSON.stringify({ query: text, type: 'flux', dialect });
      const tables = new CsvTables();
      for await (const lines of answerLines(connection, { path, body, contentType: 'application/json' })) {
        yield tables.rows(lines);
      }
    },
  };
}

function pointsText(bucket: string, request: PointRequest): string {
  const { measurement, fields, select, devices, after, until, pick } = request;
  const conditions = [
    `r._measurement == ${quoted(measurement)}`,
    ...conditionsOf(select),
    ...(devices === undefined ? [] : [`(${devices.map(named).join(' or ')})`]),
  ];
  const isEnd = pick === 'first' || pick === 'last';
  return [
    `from(bucket: ${quoted(bucket)})`,
    // `range` takes its start in and leaves its stop out.
    `  |> range(start: ${isoInstant(after + 1)}, stop: ${isoInstant(until + 1)})`,
    `  |> filter(fn: (r) => ${conditions.join(' and ')})`,
    `  |> filter(fn: (r) => ${fields.map((field) => `r._field == ${quoted(field)}`).join(' or ')})`,
    ...(isEnd ? [`  |> ${pick}()`] : []),
    '  |> drop(columns: ["_start", "_stop", "_measurement"])',
    '  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")',
    '  |> group()',
    // The first or last `held_ms` may lie elsewhere than that of the other fields, and makes a row of its own.
    ...(isEnd ? [`  |> filter(fn: (r) => exists r.${fields[0]})`] : []),
    ...(pick === 'downs' ? ['  |> filter(fn: (r) => r.state == 0 or r.prev == "dead")'] : []),
    '  |> sort(columns: ["class", "device", "_time"])',
  ].join('\n');
}

function conditionsOf(select: Selection): string[] {
  return tagsOf(select).map(([tag, value]) => `r[${quoted(tag)}] == ${quoted(value)}`);
}

function named(name: DeviceName): string {
  return `(${conditionsOf(name).join(' and ')})`;
}

/** A string literal: safe whatever the text holds. `\${` would begin an expression. */
function quoted(text: string): string {
  const escaped = text
    .replace(/[\\"]/g, '\\$&')
    .replace(/\$\{/g, '\\${')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t');
  return `"${escaped}"`;
}

/**
 * Takes lines of CSV apart. Tables come one after the other, each behind an empty line with a header of its own; a
 * query that fails midway ends with a table of errors.
 */
class CsvTables {
  readonly #splitter = new LineSplitter();
  #columns: readonly string[] | undefined;

  rows(lines: readonly string[]): Row[] {
    const rows: Row[] = [];
    for (const line of lines) {
      if (line === '') this.#columns = undefined;
      else if (this.#columns === undefined) this.#columns = this.#splitter.splitLine(line);
      else rows.push(this.#row(this.#columns, this.#splitter.splitLine(line)));
    }
    return rows;
  }

  #row(columns: readonly string[], cells: readonly string[]): Row {
    const row: Record<string, unknown> = {};
    for (const [index, column] of columns.entries()) {
      const cell = cells[index] ?? '';
      if (column === '_time') row.time = Date.parse(cell);
      else row[column] = cell === '' ? null : TEXTS.has(column) ? cell : Number(cell);
    }
    if (typeof row.error === 'string') throw new StoreError('influx-query', row.error);
    return row;
  }
}
