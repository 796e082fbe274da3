/**
 * From a scenario and a seed to a story. Pure: the same arguments give the same story, and a device's share of it
 * depends on nothing but the seed, its class and its number (scripted faults excepted, which choose among the
 * fleet by a rank that each device draws for itself).
 */
import { BusyTimes } from './busy-times.ts';
import { enact, type Loss } from './enact.ts';
import { type DevicePlan, type FleetOptions, fleet } from './fleet.ts';
import { linkEvents } from './link-events.ts';
import { arrivals, lossesOf, planNetwork } from './plan-network.ts';
import { type Random, type Seed, seeded } from './random.ts';
import type { Fault, Scenario, ScriptedFault } from './scenario.ts';
import type { DeviceStory, Story, StoryEvent } from './story.ts';

export interface PlanOptions extends FleetOptions {
  readonly seed: Seed;
  /** Length of the run; default the scenario's. */
  readonly durationMs?: number | undefined;
}

/** A device that has just come back is left alone for so many intervals, so that its return can be seen. */
const REST_INTERVALS = 2;

export function planStory(scenario: Scenario, options: PlanOptions): Story {
  const durationMs = options.durationMs ?? scenario.durationMs;
  const seed = seeded(options.seed);
  const drafts = fleet(scenario, options).map((device) => draft(device, seed));
  const unplaced = scenario.timeline.flatMap((fault, i) => placeScripted(drafts, fault, `timeline/${i}`));
  const faultsUntilMs = durationMs - scenario.quietMs;
  for (const one of drafts) placeRandom(one, faultsUntilMs);
  const network = planNetwork(scenario, seed, faultsUntilMs);
  for (const one of drafts) one.losses.push(...lossesOf(network, one.device, one.random));
  const devices = drafts.map((one) => finish(one, durationMs));
  return {
    scenario: scenario.name,
    seed: options.seed,
    durationMs,
    devices,
    unplaced,
    service: network.service,
  };
}

/** A device's story while it is being written. */
interface Draft {
  readonly device: DevicePlan;
  readonly random: Random;
  readonly events: StoryEvent[];
  readonly losses: Loss[];
  /** Times in which the device has a fault of its own, rest included. */
  readonly busy: BusyTimes;
}

function draft(device: DevicePlan, seed: Random): Draft {
  return {
    device,
    random: seed.split(`device/${device.deviceClass}/${device.number}`),
    events: [{ atMs: device.startAtMs, action: 'boot', cause: 'start' }],
    losses: [],
    busy: new BusyTimes(),
  };
}

/** Gives a scripted fault to the free devices of the lowest rank; says so when there are too few. */
function placeScripted(drafts: readonly Draft[], fault: ScriptedFault, stream: string): string[] {
  const candidates = drafts
    .filter(({ device }) => device.deviceClass === fault.deviceClass)
    .filter(({ device }) => fault.site === undefined || device.site === fault.site)
    .map((one) => ({ one, random: one.random.split(stream) }))
    .map((candidate) => ({ ...candidate, rank: candidate.random.next() }))
    .sort((a, b) => a.rank - b.rank);
  let placed = 0;
  for (const { one, random } of candidates) {
    if (placed === fault.count) break;
    if (place(one, fault, fault.atMs, random)) placed++;
  }
  if (placed === fault.count) return [];
  const at = `${fault.atMs / 1000} s`;
  return [`${fault.kind} at ${at} asks for ${fault.count} of ${fault.deviceClass}; ${placed} were free`];
}

/** Draws the faults that come by chance. One that would fall into another is left out. */
function placeRandom(one: Draft, durationMs: number): void {
  const earliestMs = one.device.startAtMs + REST_INTERVALS * one.device.knobs.intervalMs;
  one.device.knobs.faults.forEach((fault, i) => {
    const random = one.random.split(`fault/${i}`);
    for (const atMs of arrivals(random, fault.everyMs, earliestMs, durationMs))
      place(one, fault, atMs, random);
  });
}

/** Writes a fault down unless the device is not there yet or has another one. */
function place(one: Draft, fault: Fault, atMs: number, random: Random): boolean {
  const { events, losses, overAtMs } = enact(fault, atMs, random);
  const toMs = overAtMs + REST_INTERVALS * one.device.knobs.intervalMs;
  if (atMs < one.device.startAtMs) return false;
  if (!one.busy.take(atMs, toMs)) return false;
  one.events.push(...events);
  one.losses.push(...losses);
  return true;
}

function finish({ device, events, losses }: Draft, durationMs: number): DeviceStory {
  const all = [...events, ...linkEvents(losses, device.startAtMs)].sort((a, b) => a.atMs - b.atMs);
  const retired = all.findIndex((event) => event.action === 'retire');
  const told = retired === -1 ? all : all.slice(0, retired + 1);
  return { ...device, events: told.filter((event) => event.atMs < durationMs) };
}
