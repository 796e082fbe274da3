/** A real broker on a free loopback port, with what it logged and what its tap was given. */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { type Broker, type BrokerOptions, startBroker } from '../broker.ts';
import type { TappedMessage } from '../ingest.ts';

export interface RunningBroker extends AsyncDisposable {
  readonly broker: Broker;
  readonly port: number;
  readonly url: string;
  readonly tapped: { topic: string; payload: string }[];
  /** Log lines as objects. */
  readonly log: Record<string, unknown>[];
}

/** Starts one; `tap` in the options sees the messages after they were noted. */
export async function runBroker(
  options: Omit<Partial<BrokerOptions>, 'logger'> = {},
): Promise<RunningBroker> {
  const tapped: { topic: string; payload: string }[] = [];
  const log: Record<string, unknown>[] = [];
  const logger = pino(
    new Writable({
      write(line: Buffer, _encoding, done) {
        log.push(JSON.parse(line.toString()));
        done();
      },
    }),
  );
  const { tap, ...rest } = options;
  const broker = await startBroker({
    tcp: { host: '127.0.0.1', port: 0 },
    ...rest,
    logger,
    tap(message: TappedMessage) {
      tapped.push({ topic: message.topic, payload: Buffer.from(message.payload).toString() });
      return tap?.(message);
    },
  });
  return {
    broker,
    get port() {
      return broker.endpoints[0]?.port ?? 0;
    },
    get url() {
      return broker.endpoints[0]?.url ?? '';
    },
    tapped,
    log,
    [Symbol.asyncDispose]: () => broker.close(),
  };
}
