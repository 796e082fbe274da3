/** A real Aedes, and a real subscriber who hears what the fleet says. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import {
  DEFAULT_ROOT,
  decode,
  filterFor,
  type MessageByKind,
  parseTopic,
} from '@slowbeat/device-sdk/protocol';
import { Aedes } from 'aedes';
import { connectAsync } from 'mqtt';

export type Heard = {
  [K in 'birth' | 'beat' | 'will' | 'bye']: {
    readonly kind: K;
    readonly deviceClass: string;
    readonly device: string;
    readonly message: MessageByKind[K];
    readonly heardAt: number;
  };
}['birth' | 'beat' | 'will' | 'bye'];

export interface ListeningBroker extends AsyncDisposable {
  readonly url: string;
  /** Everything heard so far, in order. */
  readonly heard: readonly Heard[];
  /** Resolves when the condition holds for what was heard; rejects when it has not within 20 s. */
  until(what: string, holds: (heard: readonly Heard[]) => boolean): Promise<void>;
}

const PATIENCE_MS = 20_000;

export async function listeningBroker(): Promise<ListeningBroker> {
  const aedes = await Aedes.createBroker({ concurrency: 0 });
  const server = createServer(aedes.handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const heard: Heard[] = [];
  const waiting = new Set<() => void>();
  const subscriber = await connectAsync(url, { protocolVersion: 4 });
  subscriber.on('message', (topic, payload) => {
    const about = parseTopic(DEFAULT_ROOT, topic);
    if (about === undefined) throw new Error(`outside the scheme: ${topic}`);
    const { kind, deviceClass, device } = about;
    const decoded = decode(kind, payload);
    if (!decoded.ok) throw new Error(`${topic}: ${decoded.reason} ${decoded.detail}`);
    heard.push({ kind, deviceClass, device, message: decoded.message, heardAt: Date.now() } as Heard);
    for (const check of waiting) check();
  });
  await subscriber.subscribeAsync(filterFor(DEFAULT_ROOT), { qos: 1 });

  return {
    url,
    heard,
    until: (what, holds) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => {
          waiting.delete(check);
          reject(new Error(`${what}: not within ${PATIENCE_MS / 1000} s; heard ${heard.length} messages`));
        }, PATIENCE_MS);
        const check = (): void => {
          if (!holds(heard)) return;
          clearTimeout(late);
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    async [Symbol.asyncDispose]() {
      await subscriber.endAsync(true);
      server.close();
      await new Promise<void>((resolve) => aedes.close(resolve));
    },
  };
}

/** How many distinct devices a kind of message was heard of. */
export function devicesHeard(heard: readonly Heard[], kind: Heard['kind']): number {
  return new Set(heard.filter((one) => one.kind === kind).map((one) => one.device)).size;
}
