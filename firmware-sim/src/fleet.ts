/** Who is in the fleet: names, places and start times, before anything goes wrong. */
import { isName, NAME_RULE } from '@slowbeat/device-sdk/protocol';
import { type DeviceClass, type Scenario, ScenarioError } from './scenario.ts';

export interface FleetOptions {
  /** Number of devices; default the scenario's. */
  readonly devices?: number | undefined;
  /** Replaces every class's interval. */
  readonly intervalMs?: number | undefined;
  /** Devices that start per second, as after a power cut on purpose; default {@link CONNECT_RATE}. */
  readonly connectRate?: number | undefined;
  /** Number of each class's first device; several processes share a fleet by disjoint numbers. Default 1. */
  readonly startNumber?: number | undefined;
  /**
   * Prepended to the names `<class>-<number>`; or, with `%i` (number) and `%c` (class) in it, the name itself.
   */
  readonly prefix?: string | undefined;
}

/** One device as built, by which its story finds it. */
export interface DevicePlan {
  readonly device: string;
  readonly deviceClass: string;
  /** Counts within the class. Chance follows class and number, so a new prefix changes no story. */
  readonly number: number;
  readonly site?: string | undefined;
  readonly gateway?: string | undefined;
  readonly knobs: DeviceClass;
  /** When it is first switched on, milliseconds from the run's start. */
  readonly startAtMs: number;
}

/** emqtt-bench's pace: fast enough for a demonstration, slow enough for a small broker. */
export const CONNECT_RATE = 100;

/**
 * The fleet in the order in which it starts. The k-th device is the same in every larger fleet.
 * @throws ScenarioError when the prefix makes names that no device may have
 */
export function fleet(scenario: Scenario, options: FleetOptions = {}): DevicePlan[] {
  const { prefix = '', startNumber = 1, connectRate = CONNECT_RATE } = options;
  const template = prefix.includes('%i') ? prefix : `${prefix}%c-%i`;
  const counts = new Map<string, number>();
  const names = new Set<string>();
  return deal(scenario, options.devices ?? scenario.devices).map((deviceClass, k) => {
    const knobs = scenario.classes[deviceClass] as DeviceClass;
    const index = counts.get(deviceClass) ?? 0;
    counts.set(deviceClass, index + 1);
    const number = startNumber + index;
    const device = expand(template, { i: String(number), c: deviceClass });
    if (!isName(device)) throw new ScenarioError([`prefix: makes the name "${device}", which ${NAME_RULE}`]);
    // A device's name is its MQTT client id too, and two clients with one id throw each other out for ever.
    if (names.has(device)) throw new ScenarioError([`prefix: names two devices "${device}"; use %i and %c`]);
    names.add(device);
    return {
      device,
      deviceClass,
      number,
      ...place(scenario, knobs, number),
      knobs: options.intervalMs === undefined ? knobs : { ...knobs, intervalMs: options.intervalMs },
      startAtMs: (k * 1000) / connectRate,
    };
  });
}

/** Replaces `%i`, `%c`, `%d`, … by their values; other text, a lone `%` too, stays. */
export function expand(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/%([a-z])/g, (whole, letter: string) => values[letter] ?? whole);
}

/**
 * Gives each seat to the class that is furthest behind its share (Sainte-Laguë's divisors). Unlike rounding,
 * this never takes a device from a class when the fleet grows.
 */
function deal(scenario: Scenario, devices: number): string[] {
  const classes = Object.entries(scenario.classes).map(([deviceClass, { share }]) => ({
    deviceClass,
    share,
    seats: 0,
  }));
  return Array.from({ length: devices }, () => {
    const next = classes.reduce((best, one) => (claim(one) > claim(best) ? one : best));
    next.seats++;
    return next.deviceClass;
  });
}

function claim({ share, seats }: { share: number; seats: number }): number {
  return share / (2 * seats + 1);
}

/** Spreads a class over its sites in turn, and over the gateways of a site in turn. */
function place(
  scenario: Scenario,
  { sites }: DeviceClass,
  number: number,
): { site?: string; gateway?: string } {
  const site = sites[number % sites.length];
  if (site === undefined) return {};
  const gateways = scenario.sites[site] ?? [];
  const gateway = gateways[Math.floor(number / sites.length) % gateways.length];
  return gateway === undefined ? { site } : { site, gateway };
}
