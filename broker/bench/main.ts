/**
 * `node main.js [--rounds N] [--overload SECONDS]`: this broker beside bare Aedes (with the same tap) and mosquitto,
 * in turns within one run. Processor time is the broker's own as the kernel counts it, so the rates are per core
 * whatever else the machine does. Prints Markdown.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Generator, TARGETS, Target, type TargetName } from './processes.ts';
import { GoodDevice, Subscriber } from './subscriber.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    overload: { type: 'string', default: '60' },
  },
});
const ROUNDS = Number(values.rounds);
const OVERLOAD_S = Number(values.overload);
const DEVICES = 1000;
const IDLE = 5000;
const LOAD_MS = 4000;

type Measure = (name: TargetName) => Promise<number>;

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

/** Heartbeats per second of the broker's processor time. */
function beats(qos: 0 | 1, external: boolean): Measure {
  return async (name) => {
    await using target = await Target.start(name);
    await using generator = new Generator();
    using subscriber = external ? await Subscriber.start(target.port) : undefined;
    await generator.order({ do: 'connect', port: target.port, from: 0, count: DEVICES, wills: true });
    const seen = async (): Promise<number> => subscriber?.received ?? (await target.counted()).taken;
    await generator.order({ do: 'beat', qos, forMs: 500 });
    const [before, cpuMs] = [await seen(), target.cpuMs];
    await generator.order({ do: 'beat', qos, forMs: LOAD_MS });
    return ((await seen()) - before) / ((target.cpuMs - cpuMs) / 1000);
  };
}

/** Processor time for each heartbeat at a rate that all of them keep up with. Microseconds. */
const unhurried: Measure = async (name) => {
  await using target = await Target.start(name);
  await using generator = new Generator();
  await generator.order({ do: 'connect', port: target.port, from: 0, count: DEVICES, wills: true });
  await generator.order({ do: 'beat', qos: 1, forMs: 1000, perSecond: 5000 });
  const cpuMs = target.cpuMs;
  const { sent } = await generator.order({ do: 'beat', qos: 1, forMs: LOAD_MS, perSecond: 5000 });
  return (1000 * (target.cpuMs - cpuMs)) / sent;
};

const connects: Measure = async (name) => {
  await using target = await Target.start(name);
  await using generator = new Generator();
  await generator.order({ do: 'connect', port: target.port, from: 0, count: 500, wills: true });
  const cpuMs = target.cpuMs;
  const { sent } = await generator.order({
    do: 'connect',
    port: target.port,
    from: 500,
    count: 3000,
    wills: true,
  });
  return sent / ((target.cpuMs - cpuMs) / 1000);
};

const idleBytes: Measure = async (name) => {
  await using target = await Target.start(name);
  await using generator = new Generator();
  await generator.order({ do: 'connect', port: target.port, from: 0, count: 500, wills: true });
  const before = target.rssBytes;
  await generator.order({ do: 'connect', port: target.port, from: 500, count: IDLE, wills: true });
  await pause(2000);
  return (target.rssBytes - before) / IDLE;
};

async function compare(what: string, measure: Measure, names: readonly TargetName[]): Promise<void> {
  const results = new Map<TargetName, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of names) results.get(name)?.push(await measure(name));
  }
  const cells = TARGETS.map((name) => {
    const all = results.get(name);
    return all === undefined ? '–' : median(all).toLocaleString('en', { maximumSignificantDigits: 3 });
  });
  const ratios = (results.get('slowbeat') as number[]).map(
    (own, round) => own / (results.get('aedes')?.[round] ?? 1),
  );
  print(`| ${what} | ${cells.join(' | ')} | ${median(ratios).toFixed(2)} |`);
}

/** What happens when twice as much is sent as the broker can take. */
async function overload(name: TargetName, peakPerSecond: number): Promise<void> {
  await using target = await Target.start(name);
  await using generator = new Generator();
  using subscriber = await Subscriber.start(target.port);
  await generator.order({ do: 'connect', port: target.port, from: 0, count: DEVICES, wills: true });
  using good = await GoodDevice.start(target.port, 200);
  const perSecond: number[] = [];
  let rssMax = target.rssBytes;
  let waitMax = 0;
  const order = generator.order({
    do: 'beat',
    qos: 0,
    forMs: OVERLOAD_S * 1000,
    perSecond: 2 * peakPerSecond,
  });
  for (let second = 0, before = subscriber.received; second < OVERLOAD_S; second += 1) {
    await pause(1000);
    perSecond.push(subscriber.received - before);
    before = subscriber.received;
    rssMax = Math.max(rssMax, target.rssBytes);
    waitMax = Math.max(waitMax, good.waitingMs);
  }
  const { sent } = await order;
  const { shed } = await target.counted();
  const latencies = good.latenciesMs.sort((a, b) => a - b);
  const late = perSecond.slice(Math.floor(perSecond.length / 2));
  print(
    `| ${name} | ${Math.round(sent / OVERLOAD_S)} | ${Math.round(median(late))} | ${Math.min(...perSecond.slice(1))} ` +
      `| ${shed} | ${Math.round(rssMax / 2 ** 20)} | ${latencies.length} | ${Math.round(median(latencies))} ` +
      `| ${Math.round(Math.max(waitMax, latencies.at(-1) ?? 0))} |`,
  );
}

/** Delivered to one subscriber when devices wait for each acknowledgement: what a broker can do at its best. */
async function peak(name: TargetName): Promise<number> {
  await using target = await Target.start(name);
  await using generator = new Generator();
  using subscriber = await Subscriber.start(target.port);
  await generator.order({ do: 'connect', port: target.port, from: 0, count: 100, wills: true });
  await generator.order({ do: 'beat', qos: 0, forMs: 4000 });
  await pause(500);
  return subscriber.received / 4.5;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

print('| Measure | this broker | bare Aedes | mosquitto | this / Aedes |');
print('|---|---|---|---|---|');
const noTap = TARGETS.filter((name) => name !== 'mosquitto');
await compare('QoS 0 heartbeats/s and core, into the tap', beats(0, false), noTap);
await compare('QoS 1 heartbeats/s and core, into the tap', beats(1, false), noTap);
await compare('QoS 0 heartbeats/s and core, to one subscriber', beats(0, true), TARGETS);
await compare('QoS 1 heartbeats/s and core, to one subscriber', beats(1, true), TARGETS);
await compare('processor time per QoS 1 heartbeat at 5,000/s, µs', unhurried, TARGETS);
await compare('connects with will/s and core', connects, TARGETS);
await compare('bytes per idle connection with will', idleBytes, TARGETS);
if (OVERLOAD_S > 0) {
  print('');
  print(
    '| Overload, QoS 0 | sent/s | delivered/s, second half | least in a second | shed | MiB | good device: beats | ms, median | ms, worst |',
  );
  print('|---|---|---|---|---|---|---|---|---|');
  for (const name of TARGETS) await overload(name, await peak(name));
}
