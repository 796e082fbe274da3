/** Draws a fleet whose surroundings fail: what is heard of it, and what is true. */
import type { TraceEvent, TruthLine } from '@slowbeat/detector-service/replay';
import { heardOf } from './core-device.ts';
import type { CoreFamily, Failing, Failure } from './core-families.ts';
import { affects, type CoreDevice, type Disturbance, isBlind, type Span } from './disturbance.ts';
import { exponential, pick, type Random, random, uniform } from './random.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const DEVICES = 60;
const DAYS = 20;
/** Nothing fails before, so that links are known when it does. */
const CALM_MS = 2 * DAY;
/** From one failure of a thing to its next at least. */
const BETWEEN_MS = 12 * HOUR;
/** With two gateways each: three silent members are the fewest that tell of a common cause. */
const SITE_SIZES = [8, 10, 14, 20];
const GATEWAYS_PER_SITE = 2;
const DEATH_EVERY_MS = 45 * DAY;
const DEATH_MS: readonly [number, number] = [4 * HOUR, DAY];
export interface CoreWorld {
  readonly devices: readonly CoreDevice[];
  readonly disturbances: readonly Disturbance[];
  /** What is heard and what is true, sorted by `at`. */
  readonly events: readonly TraceEvent[];
  readonly truth: readonly TruthLine[];
}

export function drawCoreWorld(family: CoreFamily, seed: number, scale: number): CoreWorld {
  const dice = random(seed, 0);
  const endsAt = DAYS * DAY;
  const devices = drawDevices(dice, Math.max(8, Math.round(DEVICES * scale)), endsAt);
  const disturbances = family.failures.flatMap((failure) => drawFailures(dice, failure, devices, endsAt));
  const heard = devices.flatMap((device, index) => {
    const mine = disturbances.filter((one) => affects(one, device));
    return heardOf(device, family, mine, random(seed, index + 1), endsAt);
  });
  const events = [...heard, ...disturbances.filter(isBlind).flatMap(monitorEvents)];
  return {
    devices,
    disturbances,
    events: events.filter(({ at }) => at < endsAt).sort((a, b) => a.at - b.at),
    truth: [...devices.flatMap(deviceTruth), ...disturbances.flatMap(groupTruth)].sort((a, b) => a.at - b.at),
  };
}

function drawDevices(dice: Random, count: number, endsAt: number): CoreDevice[] {
  const devices: CoreDevice[] = [];
  for (let site = 1; devices.length < count; site++) {
    const size = pick(dice, SITE_SIZES);
    for (let nth = 0; nth < size; nth++) {
      const gateway = `gateway-${site}-${nth % GATEWAYS_PER_SITE}`;
      const deaths = drawSpans(dice, DEATH_EVERY_MS, DEATH_MS, endsAt);
      devices.push({ device: `d${devices.length}`, site: `site-${site}`, gateway, deaths });
    }
  }
  return devices;
}

function drawFailures(
  dice: Random,
  failure: Failure,
  devices: readonly CoreDevice[],
  endsAt: number,
): Disturbance[] {
  const things: Record<Failing, Iterable<string>> = {
    site: new Set(devices.map(({ site }) => site)),
    gateway: new Set(devices.map(({ gateway }) => gateway)),
    broker: ['the broker'],
    monitor: ['the monitor'],
  };
  return [...things[failure.of]].flatMap((name) =>
    drawSpans(dice, failure.everyMs, failure.lastsMs, endsAt).map((span) => ({ ...failure, name, ...span })),
  );
}

function drawSpans(
  dice: Random,
  everyMs: number,
  [least, most]: readonly [number, number],
  endsAt: number,
): Span[] {
  const spans: Span[] = [];
  for (let from = CALM_MS; ; ) {
    from = Math.round(from + exponential(dice, everyMs));
    const until = Math.round(from + uniform(dice, least, most));
    // One that the end would cut off could not be judged.
    if (until + DAY > endsAt) return spans;
    spans.push({ from, until });
    from = until + BETWEEN_MS;
  }
}

function monitorEvents({ from, until }: Disturbance): TraceEvent[] {
  return [
    { at: from, evidence: { kind: 'monitor', up: false } },
    { at: until, evidence: { kind: 'monitor', up: true } },
  ];
}

function deviceTruth({ device, deaths }: CoreDevice): TruthLine[] {
  return deaths.flatMap(({ from, until }) => [
    { at: from, device, alive: false, planned: false },
    { at: until, device, alive: true, planned: false },
  ]);
}

function groupTruth({ of, name, from, until }: Disturbance): TruthLine[] {
  if (of !== 'site' && of !== 'gateway') return [];
  return [
    { at: from, group: of, name, up: false },
    { at: until, group: of, name, up: true },
  ];
}
