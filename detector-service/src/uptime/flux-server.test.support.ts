/** The endpoint of InfluxDB 2.x that takes Flux, over lines of a journal; answers are CSV, as 2.x writes it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { parsePoint } from '../store/line-protocol.ts';
import { type FluxRow, runPipeline } from './flux-pipeline.test.support.ts';

export interface FluxServer extends AsyncDisposable {
  readonly url: string;
}

export async function startFlux(lines: readonly string[]): Promise<FluxServer> {
  const points = lines.flatMap((line) => parsePoint(line) ?? []);
  const server = createServer(async (request, response) => {
    try {
      const { query } = JSON.parse(await text(request)) as { query: string };
      response.end(csvOf(runPipeline(query, points)));
    } catch (error) {
      response.statusCode = 400;
      response.end(JSON.stringify({ code: 'invalid', message: (error as Error).message }));
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function csvOf(rows: readonly FluxRow[]): string {
  if (rows.length === 0) return '\r\n';
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].sort();
  const cell = (value: string | number | undefined): string => {
    const said = String(value ?? '');
    return /[",\r\n]/.test(said) ? `"${said.replaceAll('"', '""')}"` : said;
  };
  const body = rows.map((row) => {
    const cells = columns.map((name) =>
      name === '_time' ? new Date(row._time as number).toISOString() : cell(row[name]),
    );
    return ['', '_result', '0', ...cells].join(',');
  });
  return `${[['', 'result', 'table', ...columns].join(','), ...body].join('\r\n')}\r\n\r\n`;
}
