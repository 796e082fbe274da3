/**
 * The HTTP interface: health, metrics, and what is known about each device. Read-only.
 *
 * `/livez` asks for nothing but a running event loop; `/readyz` (and `/healthz`) whether heartbeats are heard and
 * recorded. InfluxDB being away is no failure of either: the journal keeps everything until it is back.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { DeviceView, Explanation, IncidentView } from '../detector/index.ts';
import { devicePage } from './device-pages.ts';
import type { Metrics } from './metrics.ts';
import { json, problem, type Reply, send, text } from './responses.ts';

/** One condition of readiness; undefined when it holds, else what is missing. */
export type Check = () => string | undefined;

export interface DeviceSource {
  devices(): Iterable<DeviceView>;
  explain(deviceClass: string, device: string): Explanation | undefined;
  /** Group outages, oldest first. */
  incidents(): readonly IncidentView[];
}

export interface HttpOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Left out where nobody is watched: a broker alone. */
  readonly devices?: DeviceSource;
  readonly metrics: Metrics;
  readonly checks: Readonly<Record<string, Check>>;
  /** What is served beside all this, by path. */
  readonly pages?: Readonly<Record<string, Page>>;
  readonly logger: Logger;
}

export type Page = (query: URLSearchParams) => Reply;

export interface HttpServer extends AsyncDisposable {
  readonly address: { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

/** The port is taken, or the address is not this machine's. */
export class HttpListenError extends Error {
  override readonly name = 'HttpListenError';
  readonly code: string;

  constructor(host: string, port: number, cause: NodeJS.ErrnoException) {
    const why = cause.code === 'EADDRINUSE' ? 'the port is in use by another program' : cause.message;
    super(`HTTP cannot listen on ${host}:${port}: ${why}`, { cause });
    this.code = cause.code ?? 'UNKNOWN';
  }
}

const CONNECTIONS_MAX = 256;
const REQUEST_MS_MAX = 10_000;

/** Starts to listen. Rejects with {@link HttpListenError}. */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { host, port, logger } = options;
  const server = createServer(
    { requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX },
    (request, response) => {
      void answer(options, request).then(
        (reply) => send(response, reply),
        (error: unknown) => {
          logger.error({ err: error, path: request.url }, 'an HTTP request failed');
          send(response, problem(500, 'see the log of the monitor'));
        },
      );
      request.resume();
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new HttpListenError(host, port, error)));
    server.listen(port, host, resolve);
  });
  server.on('error', (error) => logger.error({ err: error }, 'the HTTP server failed'));
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  const address = server.address() as AddressInfo;
  return { address: { host: address.address, port: address.port }, close, [Symbol.asyncDispose]: close };
}

async function answer(options: HttpOptions, request: IncomingMessage): Promise<Reply> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return problem(405, 'everything here is read with GET', { allow: 'GET, HEAD' });
  }
  // Not by URL, which throws for paths such as "//".
  const [pathname = '/', query = ''] = (request.url ?? '/').split('?', 2);
  const searchParams = new URLSearchParams(query);
  switch (pathname) {
    case '/livez':
      return text('ok\n');
    case '/readyz':
    case '/healthz':
      return readiness(options.checks, searchParams.has('verbose'));
    case '/metrics':
      return text(await options.metrics.text(), 200, options.metrics.contentType);
  }
  const { devices, pages = {} } = options;
  const page = Object.hasOwn(pages, pathname) ? pages[pathname] : undefined;
  return (
    page?.(searchParams) ??
    (devices && aboutDevices(devices, pathname, searchParams)) ??
    problem(404, `nothing is served at ${pathname}`)
  );
}

function aboutDevices(devices: DeviceSource, pathname: string, query: URLSearchParams): Reply | undefined {
  if (pathname === '/api/v1/devices') return devicePage(devices.devices(), query);
  if (pathname === '/api/v1/incidents') return json({ incidents: [...devices.incidents()].reverse() });
  return oneDevice(devices, pathname);
}

/** Kubernetes' words, which people know: `[+]journal ok`, `[-]broker-link failed: …`. */
function readiness(checks: HttpOptions['checks'], verbose: boolean): Reply {
  const results = Object.entries(checks).map(([name, check]) => ({ name, missing: check() }));
  const ready = results.every(({ missing }) => missing === undefined);
  const status = ready ? 200 : 503;
  if (ready && !verbose) return text('ok\n');
  const lines = results.map(({ name, missing }) =>
    missing === undefined ? `[+]${name} ok` : `[-]${name} failed: ${missing}`,
  );
  return text(`${lines.join('\n')}\n${ready ? 'ready' : 'not ready'}\n`, status);
}

const DEVICE_PATH = /^\/api\/v1\/devices\/([^/]+)\/([^/]+)$/;

function oneDevice(devices: DeviceSource, pathname: string): Reply | undefined {
  const [, deviceClass, device] = DEVICE_PATH.exec(pathname) ?? [];
  if (deviceClass === undefined || device === undefined) return undefined;
  const explanation = devices.explain(deviceClass, device);
  return explanation
    ? json(explanation)
    : problem(404, `no device "${device}" of class "${deviceClass}" is known`);
}
