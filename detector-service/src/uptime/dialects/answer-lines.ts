/** Answers that are text, line by line, as they arrive. */
import type { InfluxConnection, InfluxRequest } from '../../store/influx-connection.ts';
import { asStoreError } from '../../store/influxql.ts';

/**
 * Whole lines of an answer in batches; a last line without its newline counts.
 * @throws StoreError `influx-query` when the server refuses, `influx-unreachable` when it does not answer.
 */
export async function* answerLines(
  connection: InfluxConnection,
  request: Pick<InfluxRequest, 'path' | 'body' | 'contentType'>,
): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of connection.stream({ method: 'POST', ...request })) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
      rest = lines.pop() as string;
      yield lines;
    }
  } catch (error) {
    throw asStoreError(error, connection);
  }
  if (rest !== '') yield [rest];
}
