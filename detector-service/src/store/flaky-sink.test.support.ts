/** A server in the place of InfluxDB that takes some writes, refuses others, hangs up in the middle, and goes away. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { seeded } from '../uptime/random-fleet.test.support.ts';
import { type Point, parsePoint } from './line-protocol.ts';

export class FlakySink implements AsyncDisposable {
  mood: 'well' | 'flaky' = 'flaky';
  /** Everything that it took, in order, whether it said so or not. */
  readonly lines: string[] = [];
  readonly #random: () => number;
  #server: Server | undefined;
  #port = 0;

  private constructor(seed: number) {
    this.#random = seeded(seed);
  }

  static async start(seed: number): Promise<FlakySink> {
    const sink = new FlakySink(seed);
    await sink.comeBack();
    return sink;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async comeBack(): Promise<void> {
    if (this.#server !== undefined) return;
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of request) chunks.push(chunk as Buffer);
      } catch {
        return; // The sender was killed: half a request counts for nothing.
      }
      this.#answer(Buffer.concat(chunks).toString(), response);
    });
    await once(this.#server.listen(this.#port, '127.0.0.1'), 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async goAway(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  /** Content by point as a database keeps it: of two lines about one point the fields of the later one win. */
  content(keyOf: (point: Point) => string): Map<string, Record<string, string>> {
    const content = new Map<string, Record<string, string>>();
    for (const line of this.lines) {
      const point = parsePoint(line) as Point;
      const fields = Object.entries(point.fields).map(([name, value]) => [name, String(value)]);
      content.set(keyOf(point), { ...content.get(keyOf(point)), ...Object.fromEntries(fields) });
    }
    return content;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.goAway();
  }

  #answer(body: string, response: ServerResponse): void {
    response.setHeader('x-influxdb-version', '1.8.10');
    const luck = this.mood === 'well' ? 0 : this.#random();
    if (luck < 0.9) this.lines.push(...body.split('\n').filter((line) => line !== ''));
    if (luck < 0.75) response.writeHead(204).end();
    // Taken, but nobody is told.
    else if (luck < 0.9) response.destroy();
    else response.writeHead(503).end();
  }
}
