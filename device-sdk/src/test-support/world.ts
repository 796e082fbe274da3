/** A device in a world of its own: virtual time, a network in memory, and drawn numbers that repeat. */
import assert from 'node:assert/strict';
import { createDevice } from '../client.ts';
import type { Device } from '../device.ts';
import type { DeviceOptions } from '../options.ts';
import { type Beat, decode, type TopicKind } from '../protocol/index.ts';
import { type Delivered, MemoryNetwork } from './memory-network.ts';
import { VirtualClock } from './virtual-clock.ts';
import { type Arrivals, type Told, told } from './waiting.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export interface World {
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly device: Device;
  readonly events: Arrivals<Told>;
}

export function world(more: Partial<DeviceOptions> = {}): World {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock);
  const device = createDevice({
    deviceId: 'd1',
    class: 'meter',
    interval: '15m',
    generation: 7,
    transport: network,
    clock,
    random: sequence(11),
    ...more,
  });
  return { clock, network, device, events: told(device) };
}

/** A small generator (mulberry32), so that each run draws the same. */
export function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const kindOf = ({ topic }: Delivered) => topic.split('/').at(-1) as TopicKind;
export const kinds = (network: MemoryNetwork) => network.delivered.map(kindOf);

export function said(network: MemoryNetwork, kind: TopicKind): (Record<string, unknown> & { at: number })[] {
  return network.delivered
    .filter((each) => kindOf(each) === kind)
    .map(({ at, payload }) => {
      const decoded = decode(kind, payload);
      assert.ok(decoded.ok);
      return { at, ...decoded.message };
    });
}

export const beats = (network: MemoryNetwork) =>
  said(network, 'beat') as unknown as (Beat & { at: number })[];
export const named = <Name extends Told['name']>(events: Arrivals<Told>, name: Name) =>
  events.all.filter((event): event is Told & { name: Name } => event.name === name);

/** Lets stop() come to its end: time passes, and its promise is awaited. */
export async function stopped(
  { device, clock }: World,
  options?: Parameters<Device['stop']>[0],
): Promise<void> {
  const stopping = device.stop(options);
  clock.advance(10_000);
  await stopping;
}
