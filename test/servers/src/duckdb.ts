/**
 * DuckDB behind the one HTTP endpoint of InfluxDB 3 that is used, so that SQL is really run.
 *
 * A module of its own, because its library is large and not to be had for every platform.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const duckDb = await import('@duckdb/node-api').catch(() => undefined);

/**
 * Options of a test that needs DuckDB. The lock file names libraries for Linux on x64 only; elsewhere npm leaves
 * them away without a word, and so it is said here. With CI=true nothing is skipped.
 */
export const needsDuckDb = {
  skip:
    duckDb === undefined && process.env.CI !== 'true'
      ? `DuckDB has no library for ${process.platform}-${process.arch} in node_modules`
      : false,
};

/** A table by the types of its columns. Of each row `ms`, epoch milliseconds, becomes the column `time`. */
export interface DuckDbTable {
  readonly columns: Readonly<Record<string, 'VARCHAR' | 'BIGINT' | 'DOUBLE'>>;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export interface DuckDbServer extends AsyncDisposable {
  readonly url: string;
  /** Rows as they come, without the HTTP between. */
  ask(query: string): Promise<Record<string, unknown>[]>;
}

/** @param directory for a file per table */
export async function startDuckDb(
  directory: string,
  tables: Readonly<Record<string, DuckDbTable>>,
): Promise<DuckDbServer> {
  if (duckDb === undefined) throw new Error('DuckDB has no library for this platform in node_modules');
  const instance = await duckDb.DuckDBInstance.create();
  const connection = await instance.connect();
  for (const [table, { columns, rows }] of Object.entries(tables)) {
    const file = join(directory, `${table}.ndjson`);
    await writeFile(file, rows.map((row) => JSON.stringify(row)).join('\n'));
    const types = Object.entries({ ...columns, ms: 'BIGINT' }).map(([name, type]) => `${name}: '${type}'`);
    await connection.run(
      `CREATE TABLE ${table} AS SELECT * EXCLUDE (ms), make_timestamp(ms * 1000) AS time
       FROM read_json('${file}', format = 'newline_delimited', columns = {${types.join(', ')}})`,
    );
  }
  const ask = async (query: string): Promise<Record<string, unknown>[]> =>
    (await connection.runAndReadAll(query)).getRowObjectsJson();
  const server = createServer(async (request, response) => {
    const { q } = JSON.parse(await text(request));
    try {
      response.end((await ask(q)).map((row) => `${JSON.stringify(row)}\n`).join(''));
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
    ask,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      connection.closeSync();
      instance.closeSync();
    },
  };
}
