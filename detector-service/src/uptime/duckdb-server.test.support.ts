/**
 * DuckDB behind the one HTTP endpoint of InfluxDB 3 that is used: SQL is really run. As there, a point that was put
 * right is a row of its own with a greater `rev`.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DuckDBInstance } from '@duckdb/node-api';
import { parsePoint } from '../store/line-protocol.ts';

/** Types of the columns of a table, by name. */
export type Columns = Readonly<Record<string, 'VARCHAR' | 'BIGINT' | 'DOUBLE'>>;

export const STATE_COLUMNS: Columns = {
  class: 'VARCHAR',
  device: 'VARCHAR',
  site: 'VARCHAR',
  state: 'BIGINT',
  status: 'VARCHAR',
  prev: 'VARCHAR',
  prev_ms: 'BIGINT',
  up_total_ms: 'BIGINT',
  down_total_ms: 'BIGINT',
  unknown_total_ms: 'BIGINT',
  seq: 'BIGINT',
  phi: 'DOUBLE',
  reason: 'VARCHAR',
  held_ms: 'BIGINT',
  rev: 'BIGINT',
};

export interface DuckDbServer extends AsyncDisposable {
  readonly url: string;
}

/** Serves one table with the points of its name among `lines`, in the order in which they were written. */
export async function startDuckDb(
  directory: string,
  table: string,
  columns: Columns,
  lines: Iterable<string>,
): Promise<DuckDbServer> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const file = join(directory, `${table}.ndjson`);
  await writeFile(file, [...lines].flatMap((line, index) => rowOf(line, table, index) ?? []).join('\n'));
  const types = Object.entries({ ...columns, ms: 'BIGINT' }).map(([name, type]) => `${name}: '${type}'`);
  await connection.run(
    `CREATE TABLE ${table} AS SELECT * EXCLUDE (ms), make_timestamp(ms * 1000) AS time
     FROM read_json('${file}', format = 'newline_delimited', columns = {${types.join(', ')}})`,
  );
  const server = createServer(async (request, response) => {
    const { q } = JSON.parse(await text(request));
    try {
      const rows = (await connection.runAndReadAll(q)).getRowObjectsJson();
      response.end(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    } catch (error) {
      response.statusCode = 400;
      response.end(JSON.stringify({ error: (error as Error).message }));
    }
  });
  // A connection closed for idleness while the next request is on its way would fail that one.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** What was written later about one instant has the greater `rev`, as it would have been given. */
function rowOf(line: string, table: string, index: number): string | undefined {
  const point = parsePoint(line);
  if (point === undefined || point.measurement !== table) return undefined;
  const fields = Object.fromEntries(
    Object.entries(point.fields).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? Number(value) : value,
    ]),
  );
  const isPutRight = 'rev' in fields;
  return JSON.stringify({ ...point.tags, ...fields, rev: isPutRight ? index : null, ms: point.at });
}
