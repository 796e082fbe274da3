/** What InfluxDB 3 would hold: what the sender really writes to a server of that version, as tables of DuckDB. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Journal, type Point, parsePoint, startInfluxSender } from '@slowbeat/detector-service/store';
import { type DuckDbServer, type DuckDbTable, startDuckDb } from '@slowbeat/test-servers/duckdb';
import { pino } from 'pino';

export async function influx3Holding(journal: Journal, directory: string): Promise<DuckDbServer> {
  const points = (await linesWrittenTo3(journal)).flatMap((line) => parsePoint(line) ?? []);
  const measurements = [...new Set(points.map(({ measurement }) => measurement))];
  const tables = measurements.map((measurement): [string, DuckDbTable] => [
    measurement,
    tableOf(points.filter((point) => point.measurement === measurement)),
  ]);
  return startDuckDb(directory, Object.fromEntries(tables));
}

async function linesWrittenTo3(journal: Journal): Promise<string[]> {
  const lines: string[] = [];
  const server = createServer(async (request, response) => {
    response.setHeader('x-influxdb-version', '3.4.0');
    lines.push(...(await text(request)).split('\n'));
    response.writeHead(204).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const target = { url, bucket: 'slowbeat' };
  await using sender = await startInfluxSender({ journal, target, logger: pino({ level: 'silent' }) });
  await sender.flushed();
  await sender.stop();
  server.closeAllConnections();
  server.close();
  return lines;
}

/** Columns come into being with the first point that has them. */
function tableOf(points: readonly Point[]): DuckDbTable {
  const columns: Record<string, 'VARCHAR' | 'BIGINT' | 'DOUBLE'> = {};
  const rows = points.map(({ tags, fields, at }) => {
    const row: Record<string, unknown> = { ...tags, ms: at };
    for (const tag of Object.keys(tags)) columns[tag] = 'VARCHAR';
    for (const [name, value] of Object.entries(fields)) {
      columns[name] = typeof value === 'bigint' ? 'BIGINT' : typeof value === 'number' ? 'DOUBLE' : 'VARCHAR';
      row[name] = typeof value === 'bigint' ? Number(value) : value;
    }
    return row;
  });
  return { columns, rows };
}
