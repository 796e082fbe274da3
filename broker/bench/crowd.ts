/**
 * A crowd that connects, each with a will, and whose sockets are all destroyed at once: how long until a detector's
 * lasting session has every will, what a device feels meanwhile that has nothing to do with it, and what memory it takes.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { parser as createParser, generate } from 'mqtt-packet';
import { Generator, Target } from './processes.ts';
import { quantile } from './quantile.ts';
import { GoodDevice, until } from './subscriber.ts';
import { connectPacket, subscribePacket } from './wire.ts';

const GOOD_EVERY_MS = 100;
const WAIT_MS = 120_000;
const MIB = 2 ** 20;

/** A detector elsewhere: a lasting session that acknowledges what it gets. */
class DetectorSession implements Disposable {
  readonly #socket: Socket;
  readonly #wills = new Set<string>();
  #willsReceived = 0;
  isSubscribed = false;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const parser = createParser();
    this.#socket.on('data', (bytes) => parser.parse(bytes));
    parser.on('packet', (packet) => {
      if (packet.cmd === 'connack') this.#socket.write(subscribePacket('hb/v1/+/+/will', 1));
      else if (packet.cmd === 'suback') this.isSubscribed = true;
      else if (packet.cmd === 'publish') {
        this.#wills.add(packet.topic);
        this.#willsReceived += 1;
        this.#socket.write(generate({ cmd: 'puback', messageId: packet.messageId ?? 0 }));
      }
    });
    this.#socket.write(connectPacket('detector', false, false));
  }

  /** Devices whose will has come. */
  get devices(): number {
    return this.#wills.size;
  }

  get received(): number {
    return this.#willsReceived;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

export async function crowd(count: number, print: (line: string) => void): Promise<void> {
  await using target = await Target.start('slowbeat');
  await using generator = new Generator();
  using detector = new DetectorSession(target.port);
  await until(() => detector.isSubscribed);
  using good = await GoodDevice.start(target.port, GOOD_EVERY_MS);
  const rssBytes = { empty: target.rssBytes, full: 0, most: 0, after: 0 };
  const watch = setInterval(() => {
    rssBytes.most = Math.max(rssBytes.most, target.rssBytes);
  }, 50);
  const { tookMs } = await generator.order({
    do: 'connect',
    port: target.port,
    from: 0,
    count,
    wills: true,
  });
  const whileConnecting = good.latenciesMs.splice(0);
  rssBytes.full = target.rssBytes;
  const beganAt = performance.now();
  await generator.order({ do: 'vanish' });
  while (detector.devices < count && performance.now() - beganAt < WAIT_MS) await pause(5);
  const willsMs = performance.now() - beganAt;
  const whileVanishing = [...good.latenciesMs, good.waitingMs];
  await pause(5000);
  clearInterval(watch);
  rssBytes.after = target.rssBytes;
  const mib = (bytes: number): number => Math.round(bytes / MIB);
  const ms = (latencies: readonly number[]): string =>
    `median ${Math.round(quantile(latencies, 0.5))} ms, worst ${Math.round(quantile(latencies, 1))} ms`;
  print('');
  print(`| A crowd of ${count.toLocaleString('en')} with wills | |`);
  print('|---|---|');
  print(`| connected within | ${Math.round(tookMs)} ms |`);
  print(`| a good device’s PUBACK meanwhile | ${ms(whileConnecting)} |`);
  print(
    `| all sockets destroyed: wills at the detector | ${detector.devices} (${detector.received} messages) |`,
  );
  print(`| the last of them after | ${Math.round(willsMs)} ms |`);
  print(`| a good device’s PUBACK meanwhile | ${ms(whileVanishing)} |`);
  print(
    `| MiB of the broker: before, with all, at most, 5 s after | ${[rssBytes.empty, rssBytes.full, rssBytes.most, rssBytes.after].map(mib).join(', ')} |`,
  );
}
