/** InfluxQL over HTTP: quoting, streaming, and errors that come with status 200. */
import { HttpError } from '@influxdata/influxdb-client';
import { StoreError } from './errors.ts';
import { errorText, type InfluxConnection, networkErrorText } from './influx-connection.ts';
import { describeTarget, queryPath } from './influx-target.ts';

export interface InfluxSeries {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
}

interface Statement {
  readonly series?: readonly InfluxSeries[];
  readonly error?: string;
}

/** A string literal: safe whatever the text holds. */
export function quoteString(text: string): string {
  return `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'").replace(/\n/g, '\\n')}'`;
}

const FORM = 'application/x-www-form-urlencoded';

/**
 * Runs one statement and yields its series as they arrive; a long one comes in several pieces.
 * @throws StoreError `influx-query` when the server refuses, `influx-unreachable` when it does not answer.
 */
export async function* queryInfluxQl(
  connection: InfluxConnection,
  statement: string,
  chunkSize = 10_000,
): AsyncGenerator<InfluxSeries> {
  const path = queryPath(connection.target, { chunked: 'true', chunk_size: String(chunkSize) });
  const body = new URLSearchParams({ q: statement }).toString();
  try {
    const chunks = connection.stream({ method: 'POST', path, body, contentType: FORM });
    for await (const answer of jsonLines(chunks)) {
      for (const { series = [] } of resultsOf(answer)) {
        // A server without any database answers with a series that has columns and no values.
        for (const one of series) yield { ...one, values: one.values ?? [] };
      }
    }
  } catch (error) {
    throw asStoreError(error, connection);
  }
}

/** Runs one statement for its effect. @throws StoreError as {@link queryInfluxQl} does. */
export async function runInfluxQl(connection: InfluxConnection, statement: string): Promise<InfluxSeries[]> {
  const series: InfluxSeries[] = [];
  for await (const piece of queryInfluxQl(connection, statement)) series.push(piece);
  return series;
}

async function* jsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line);
  }
  if (rest.trim() !== '') yield JSON.parse(rest);
}

function resultsOf(answer: unknown): readonly Statement[] {
  const { results = [], error } = answer as { results?: readonly Statement[]; error?: string };
  const failed = error ?? results.find((result) => result.error !== undefined)?.error;
  if (failed !== undefined) throw new StoreError('influx-query', failed);
  return results;
}

/** What went wrong with a request, as something a person can put right. */
export function asStoreError(error: unknown, connection: InfluxConnection): StoreError {
  const where = describeTarget(connection.target);
  if (error instanceof StoreError)
    return new StoreError(error.code, `${where}: ${error.message}`, { cause: error });
  if (error instanceof HttpError) {
    const said = errorText({ status: error.statusCode, headers: {}, body: error.json ?? error.body });
    return new StoreError('influx-query', `${where} (${error.statusCode}): ${said}`, { cause: error });
  }
  return new StoreError('influx-unreachable', `${where}: ${networkErrorText(error)}`, { cause: error });
}
