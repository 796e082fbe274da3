/** The HTTP interface of a broker alone: health, metrics, and who is connected. */
import type { Broker } from '@slowbeat/broker';
import { createMetrics, HttpListenError, startHttp } from '@slowbeat/detector-service';
import type { Logger } from 'pino';
import { CLIENTS_PATH, clientListPage } from './client-list.ts';
import { CommandError } from './exit-codes.ts';
import { httpUrl } from './http-url.ts';
import { brokerMetrics } from './monitor-metrics.ts';

export interface BrokerHttp extends AsyncDisposable {
  /** Without a path. */
  readonly url: string;
}

/** Nothing where no address is wanted. Rejects with a {@link CommandError} when it cannot be had. */
export async function brokerHttp(
  broker: Broker,
  address: { readonly host: string; readonly port: number } | undefined,
  logger: Logger,
): Promise<BrokerHttp | undefined> {
  if (address === undefined) return undefined;
  const metrics = createMetrics();
  metrics.add(brokerMetrics(broker));
  const server = await startHttp({
    ...address,
    metrics,
    checks: { broker: () => broker.problem },
    pages: { [CLIENTS_PATH]: clientListPage(broker) },
    logger,
  }).catch(async (error: unknown) => {
    await broker.close();
    throw error instanceof HttpListenError ? new CommandError(`${error.message} (--http-port)`) : error;
  });
  return { url: httpUrl(server.address), [Symbol.asyncDispose]: () => server.close() };
}
