/** What goes back over HTTP: JSON, text, and problems as in RFC 9457. */
import type { ServerResponse } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function json(value: unknown, status = 200): Reply {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` };
}

export function text(body: string, status = 200, contentType = 'text/plain; charset=utf-8'): Reply {
  return { status, contentType, body };
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  404: 'Not found',
  405: 'Method not allowed',
  500: 'Internal error',
};

export function problem(status: number, detail: string, headers: Record<string, string> = {}): Reply {
  const body = { type: 'about:blank', title: TITLES[status] ?? 'Problem', status, detail };
  return { ...json(body, status), contentType: 'application/problem+json', headers };
}

export function send(response: ServerResponse, { status, contentType, body, headers }: Reply): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(body);
}
