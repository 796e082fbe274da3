/**
 * Twice as much is sent as a broker can take: what it delivers then, how much memory it needs, and what a device feels
 * that sends a beat now and then, or connects only now.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Generator, TARGETS, Target, type TargetName } from './processes.ts';
import { median, quantile } from './quantile.ts';
import { client, GoodDevice, Subscriber } from './subscriber.ts';

const DEVICES = 1000;
const GOOD_EVERY_MS = 200;
/** The peak is looked for from this rate on, doubling it, for so long each. */
const LEAST_PER_SECOND = 2_500;
const RAMP_S = 3;
/** Whoever delivers less of what is sent takes no more. */
const KEPT_UP = 0.9;
const MIB = 2 ** 20;

interface Seen {
  readonly perSecond: readonly number[];
  /** For each second of the broker's processor time: other processes of the machine do not show in it. */
  readonly perCoreSecond: number;
  readonly sentPerSecond: number;
  readonly shed: number;
  readonly rssMax: number;
  readonly latenciesMs: readonly number[];
  readonly connectMs: readonly number[];
}

async function flooded(name: TargetName, qos: 0 | 1, seconds: number, rate: number): Promise<Seen> {
  await using target = await Target.start(name);
  await using generator = new Generator();
  using subscriber = await Subscriber.start(target.port);
  await generator.order({ do: 'connect', port: target.port, from: 0, count: DEVICES, wills: true });
  using good = await GoodDevice.start(target.port, GOOD_EVERY_MS);
  const { cpuMs } = target;
  const order = generator.order({ do: 'flood', qos, forMs: seconds * 1000, perSecond: rate });
  const perSecond: number[] = [];
  const connectMs: number[] = [];
  let rssMax = 0;
  for (let second = 0, before = 0; second < seconds; second += 1) {
    const beganAt = performance.now();
    const connecting = connectTime(target.port, `new${second}`).then((ms) => connectMs.push(ms));
    await pause(1000);
    perSecond.push((1000 * (subscriber.received - before)) / (performance.now() - beganAt));
    before = subscriber.received;
    rssMax = Math.max(rssMax, target.rssBytes);
    connecting.catch(() => {}); // not answered within half a minute: the next ones say so, too
  }
  const perCoreSecond = (1000 * subscriber.received) / (target.cpuMs - cpuMs);
  const { sent } = await order;
  const { shed } = await target.counted();
  const latenciesMs = [...good.latenciesMs, good.waitingMs];
  return { perSecond, perCoreSecond, sentPerSecond: sent / seconds, shed, rssMax, latenciesMs, connectMs };
}

async function connectTime(port: number, id: string): Promise<number> {
  const beganAt = performance.now();
  const socket = await client(port, id, () => {});
  socket.destroy();
  return performance.now() - beganAt;
}

/** The best a broker does when more and more is sent, in the same way as in a flood. */
async function peakOf(name: TargetName, qos: 0 | 1): Promise<{ perSecond: number; perCoreSecond: number }> {
  const peak = { perSecond: 0, perCoreSecond: 0 };
  for (let rate = LEAST_PER_SECOND; ; rate *= 2) {
    const { perSecond, perCoreSecond, sentPerSecond } = await flooded(name, qos, RAMP_S, rate);
    const delivered = median(perSecond);
    peak.perSecond = Math.max(peak.perSecond, delivered);
    peak.perCoreSecond = Math.max(peak.perCoreSecond, perCoreSecond);
    if (delivered < KEPT_UP * sentPerSecond) return peak;
  }
}

/** All brokers get the same flood. `print` gets lines of Markdown. */
export async function overload(seconds: number, print: (line: string) => void): Promise<void> {
  print('');
  print(
    '| Overload | delivered/s and core: at best | flooded | | sent/s | delivered/s, median | least in a second | left out | MiB | good device, ms: median, 99 %, worst | new connection, ms: median, worst |',
  );
  print('|---|---|---|---|---|---|---|---|---|---|---|');
  for (const qos of [0, 1] as const) {
    const peaks = new Map<TargetName, Awaited<ReturnType<typeof peakOf>>>();
    for (const name of TARGETS) peaks.set(name, await peakOf(name, qos));
    const rate = 2 * (peaks.get('slowbeat')?.perSecond ?? 0);
    for (const [name, { perCoreSecond }] of peaks) {
      const seen = await flooded(name, qos, seconds, rate);
      const cells = [
        `${name}, QoS ${qos}`,
        round(perCoreSecond),
        round(seen.perCoreSecond),
        `${round((100 * seen.perCoreSecond) / perCoreSecond)} %`,
        round(seen.sentPerSecond),
        round(median(seen.perSecond)),
        round(Math.min(...seen.perSecond.slice(1))),
        round(seen.shed),
        round(seen.rssMax / MIB),
        [0.5, 0.99, 1].map((q) => round(quantile(seen.latenciesMs, q))).join(', '),
        [0.5, 1].map((q) => round(quantile(seen.connectMs, q))).join(', '),
      ];
      print(`| ${cells.join(' | ')} |`);
    }
  }
}

const round = (value: number): string => Math.round(value).toLocaleString('en');
