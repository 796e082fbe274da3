/** A subscriber that stops reading while devices send as fast as they are acknowledged: what the others notice of it. */
import { setTimeout as pause } from 'node:timers/promises';
import { Generator, Target, type TargetName } from './processes.ts';
import { median, quantile } from './quantile.ts';
import { client, GoodDevice, Subscriber } from './subscriber.ts';
import { subscribePacket } from './wire.ts';

const DEVICES = 200;
const PER_SECOND = 4_000;
const MIB = 2 ** 20;

export async function stuck(seconds: number, print: (line: string) => void): Promise<void> {
  print('');
  print(
    '| A subscriber stops reading | delivered/s to another one, median | least in a second | cut off | MiB, most | good device, ms: median, worst |',
  );
  print('|---|---|---|---|---|---|');
  for (const name of ['slowbeat', 'aedes'] as const) print(await withStuck(name, seconds));
}

async function withStuck(name: TargetName, seconds: number): Promise<string> {
  await using target = await Target.start(name);
  await using generator = new Generator();
  const deaf = await client(target.port, 'deaf', () => {});
  deaf.write(subscribePacket('hb/v1/+/+/+', 1));
  using subscriber = await Subscriber.start(target.port);
  await generator.order({ do: 'connect', port: target.port, from: 0, count: DEVICES, wills: true });
  using good = await GoodDevice.start(target.port, 100);
  deaf.pause();
  const order = generator.order({ do: 'beat', qos: 1, forMs: seconds * 1000, perSecond: PER_SECOND });
  order.catch(() => {}); // a broker that dies closes its connections
  const perSecond: number[] = [];
  let rssMax = 0;
  try {
    for (let second = 0, before = 0; second < seconds; second += 1) {
      await pause(1000);
      perSecond.push(subscriber.received - before);
      before = subscriber.received;
      rssMax = Math.max(rssMax, target.rssBytes);
    }
  } catch {
    return `| ${name} | died after ${perSecond.length} s | | | ${Math.round(rssMax / MIB)} | |`;
  } finally {
    deaf.destroy();
  }
  const latencies = [...good.latenciesMs, good.waitingMs];
  const cells = [
    name,
    median(perSecond),
    Math.min(...perSecond),
    (await target.counted()).cutOff,
    rssMax / MIB,
    `${Math.round(median(latencies))}, ${Math.round(quantile(latencies, 1))}`,
  ];
  return `| ${cells.map((cell) => (typeof cell === 'number' ? Math.round(cell).toLocaleString('en') : cell)).join(' | ')} |`;
}
