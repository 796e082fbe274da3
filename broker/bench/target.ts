/**
 * A broker under load, in a process of its own: `slowbeat` or `aedes`, both with a tap that counts what devices
 * publish. Says its port first, then answers each message with what it counted so far.
 */
import { createServer } from 'node:net';
import { startBroker } from '@slowbeat/broker';
import { Aedes } from 'aedes';
import { pino } from 'pino';

export interface Counted {
  /** Messages that the tap has seen, wills apart. */
  readonly taken: number;
  readonly wills: number;
  /** Messages left out because the broker or the tap was busy. */
  readonly shed: number;
  /** Subscribers cut off because they did not read. */
  readonly cutOff: number;
}

let taken = 0;
let wills = 0;
let refused: () => Partial<Record<string, number>> = () => ({});

function count(topic: string): void {
  if (topic.endsWith('/will')) wills += 1;
  else taken += 1;
}

async function slowbeat(): Promise<number> {
  const broker = await startBroker({
    logger: pino({ level: 'silent' }),
    tcp: { port: 0 },
    limits: { messagesPerSecondMax: 1_000_000, messageBurstMax: 1_000_000 },
    tap: ({ topic }) => count(topic),
  });
  refused = () => broker.counters().refused;
  return broker.endpoints[0]?.port ?? 0;
}

async function aedes(): Promise<number> {
  const broker = await Aedes.createBroker({
    authorizePublish: (_client, { topic }, done) => {
      count(topic);
      done(null);
    },
  });
  const server = createServer({ noDelay: true }, (socket) => void broker.handle(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

const port = await (process.argv[2] === 'slowbeat' ? slowbeat() : aedes());
process.on('message', () => {
  const { 'overload-shed': late = 0, 'tap-shed': unheard = 0, 'slow-reader': cutOff = 0 } = refused();
  const counted: Counted = { taken, wills, shed: late + unheard, cutOff };
  process.send?.(counted);
});
process.on('disconnect', () => process.exit());
process.send?.({ port });
