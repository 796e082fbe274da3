/**
 * InfluxDB's client, used as transport only.
 *
 * Its writer keeps a retry buffer that loses points in an outage, reads `Retry-After` as milliseconds, cannot be
 * interrupted and hides which 2xx it got; so requests go straight through its transport, each with a deadline, and
 * what to do about an answer is decided in `influx-writer.ts`.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { HttpError, InfluxDB } from '@influxdata/influxdb-client';
import { authorization, type InfluxTarget } from './influx-target.ts';

export interface InfluxRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly gzip?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface InfluxResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed when it is JSON, else text. */
  readonly body: unknown;
}

/** A body smaller than this is not worth compressing. */
const GZIP_BYTES_MIN = 1024;

export class InfluxConnection {
  readonly target: InfluxTarget;
  readonly #influx: InfluxDB;
  readonly #agent: HttpAgent;
  readonly #timeoutMs: number;

  constructor(target: InfluxTarget, timeoutMs = 30_000) {
    this.target = target;
    this.#timeoutMs = timeoutMs;
    const isTls = target.url.startsWith('https:');
    // An agent of our own can be closed, so that no idle socket keeps a process alive.
    this.#agent = isTls ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
    this.#influx = new InfluxDB({
      url: target.url,
      headers: authorization(target),
      transportOptions: { agent: this.#agent, timeout: 0 },
    });
  }

  /** @throws what the network or the client throws; statuses of 300 and above come back as values. */
  async request(request: InfluxRequest): Promise<InfluxResponse> {
    let status = 0;
    let headers: InfluxResponse['headers'] = {};
    using deadline = deadlineWithin(this.#timeoutMs, request.signal);
    try {
      const body: unknown = await this.#influx.transport.request(
        request.path,
        request.body ?? '',
        sendOptions(request, deadline.signal),
        (started, statusCode = 0) => {
          status = statusCode;
          headers = started;
        },
      );
      return { status, headers, body };
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      return { status: error.statusCode, headers: error.headers ?? {}, body: error.json ?? error.body };
    }
  }

  /** The body as it arrives; each piece has the deadline anew. @throws HttpError for statuses from 300 on. */
  async *stream(request: InfluxRequest): AsyncGenerator<Uint8Array> {
    using deadline = deadlineWithin(this.#timeoutMs, request.signal);
    const options = sendOptions(request, deadline.signal);
    for await (const piece of this.#influx.transport.iterate(request.path, request.body ?? '', options)) {
      yield piece;
      deadline.renew();
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

function sendOptions({ method, contentType, gzip }: InfluxRequest, signal: AbortSignal) {
  return {
    method,
    headers: { 'content-type': contentType ?? 'text/plain; charset=utf-8' },
    signal,
    ...(gzip ? { gzipThreshold: GZIP_BYTES_MIN } : {}),
  };
}

interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** Lets the time begin anew. */
  renew(): void;
}

/**
 * A signal that aborts after a while or with another one. Not `AbortSignal.any([signal, AbortSignal.timeout(ms)])`:
 * Node 20 may collect such a timeout before it fires, and a request to a mute server then never ends.
 */
function deadlineWithin(timeoutMs: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = setTimeout(abort, timeoutMs);
  if (outer?.aborted) abort();
  outer?.addEventListener('abort', abort);
  return {
    signal: controller.signal,
    renew: () => void timer.refresh(),
    [Symbol.dispose]() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', abort);
    },
  };
}

/** What a server says is wrong, in one line, whichever way it says it. */
export function errorText(response: InfluxResponse): string {
  const { body, status } = response;
  if (typeof body === 'object' && body !== null) {
    const { error, message } = body as { error?: unknown; message?: unknown };
    const said = error ?? message;
    if (typeof said === 'string') return oneLine(said);
  }
  return typeof body === 'string' && body !== '' ? oneLine(body) : `HTTP status ${status}`;
}

/** A failed connection in one line: no answer came at all. */
export function networkErrorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'no answer in time';
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return oneLine(first instanceof Error && first.message !== '' ? first.message : error.name);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 500);
}
