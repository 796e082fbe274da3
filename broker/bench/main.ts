/**
 * `node main.js [--rounds N] [--overload SECONDS] [--crowd CONNECTIONS] [--stuck SECONDS]`: this broker beside bare Aedes (with the same tap) and mosquitto,
 * in turns within one run. Processor time is the broker's own as the kernel counts it, so the rates are per core
 * whatever else the machine does. Prints Markdown.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { crowd } from './crowd.ts';
import { overload } from './overload.ts';
import { Generator, TARGETS, Target, type TargetName } from './processes.ts';
import { median } from './quantile.ts';
import { stuck } from './stuck.ts';
import { Subscriber } from './subscriber.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    overload: { type: 'string', default: '60' },
    crowd: { type: 'string', default: '0' },
    stuck: { type: 'string', default: '0' },
  },
});
const ROUNDS = Number(values.rounds);
const OVERLOAD_S = Number(values.overload);
const CROWD = Number(values.crowd);
const STUCK_S = Number(values.stuck);
const DEVICES = 1000;
const IDLE = 5000;
const LOAD_MS = 4000;

type Measure = (name: TargetName) => Promise<number>;

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

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function compareAll(): Promise<void> {
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
}

if (ROUNDS > 0) await compareAll();
if (OVERLOAD_S > 0) await overload(OVERLOAD_S, print);
if (CROWD > 0) await crowd(CROWD, print);
if (STUCK_S > 0) await stuck(STUCK_S, print);
