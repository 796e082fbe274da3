/** When gateways, partitions, the broker and the monitor's own hearing fail, drawn before anything happens. */
import type { BrokerRestart, MonitorBlind, NetworkCondition, Partition } from './conditions.ts';
import { drawSpan, type Loss } from './enact.ts';
import type { DevicePlan } from './fleet.ts';
import type { Random } from './random.ts';
import type { Scenario } from './scenario.ts';
import type { PlaceOutage, ServiceOutage } from './story.ts';

/** A loss that several devices share. */
interface SharedLoss {
  readonly loss: Loss;
  readonly site?: string | undefined;
  readonly gateway?: string | undefined;
  /** Part of those devices that it strikes; which ones, each draws for itself from this stream's name. */
  readonly share: number;
  readonly stream: string;
}

export interface PlannedNetwork {
  readonly losses: readonly SharedLoss[];
  readonly service: readonly ServiceOutage[];
  readonly outages: readonly PlaceOutage[];
}

export function planNetwork(scenario: Scenario, seed: Random, durationMs: number): PlannedNetwork {
  const losses = gatewayLosses(scenario, seed, durationMs);
  const service: ServiceOutage[] = [];
  scenario.network.forEach((condition, i) => {
    const stream = `network/${i}`;
    if (condition.kind === 'partition') {
      losses.push(...partitionLosses(condition, scenario, seed, stream, durationMs));
    } else service.push(...serviceOutages(condition, seed.split(stream), durationMs));
  });
  return { losses, service: service.sort((a, b) => a.fromMs - b.fromMs), outages: placeOutages(losses) };
}

/** Losses of whole places in which devices go unheard; what overlaps is one outage. */
function placeOutages(losses: readonly SharedLoss[]): PlaceOutage[] {
  const byPlace = new Map<string, PlaceOutage[]>();
  const ascending = [...losses].sort((a, b) => a.loss.fromMs - b.loss.fromMs);
  for (const { site, gateway, share, loss } of ascending) {
    const place = gateway === undefined ? site !== undefined && { site } : { gateway };
    if (place === false || share < 1 || loss.way === 'down') continue;
    const { fromMs, toMs } = loss;
    const key = JSON.stringify(place);
    const outages = byPlace.get(key) ?? [];
    byPlace.set(key, outages);
    const latest = outages.at(-1);
    if (latest === undefined || fromMs > latest.toMs) outages.push({ place, fromMs, toMs });
    else outages[outages.length - 1] = { ...latest, toMs: Math.max(latest.toMs, toMs) };
  }
  return [...byPlace.values()].flat();
}

/** What of it strikes one device. */
export function lossesOf(
  { losses }: PlannedNetwork,
  { site, gateway }: DevicePlan,
  random: Random,
): readonly Loss[] {
  return losses
    .filter((one) => one.site === undefined || one.site === site)
    .filter((one) => one.gateway === undefined || one.gateway === gateway)
    .filter((one) => one.share === 1 || random.split(one.stream).chance(one.share))
    .map(({ loss }) => loss);
}

/** Instants of a Poisson process; a draw in between by the consumer only moves the later ones. */
export function* arrivals(random: Random, everyMs: number, fromMs: number, toMs: number): Generator<number> {
  let atMs = fromMs;
  while (true) {
    atMs += Math.ceil(random.exponential(everyMs));
    if (atMs >= toMs) return;
    yield atMs;
  }
}

function gatewayLosses(scenario: Scenario, seed: Random, durationMs: number): SharedLoss[] {
  const { gatewayDrops, gatewayFaults, sites } = scenario;
  const scripted = gatewayDrops.map(({ gateway, atMs, forMs }, i) => {
    const stream = `gateway-drop/${i}`;
    const toMs = atMs + drawSpan(forMs, seed.split(stream));
    return { gateway, share: 1, stream, loss: { fromMs: atMs, toMs, cause: 'gateway-drop' as const } };
  });
  if (gatewayFaults === undefined) return scripted;
  const gateways = Object.values(sites).flat();
  return gateways.reduce<SharedLoss[]>((losses, gateway) => {
    const stream = `gateway/${gateway}`;
    for (const { fromMs, toMs } of times(gatewayFaults, seed.split(stream), durationMs)) {
      losses.push({ gateway, share: 1, stream, loss: { fromMs, toMs, cause: 'gateway-drop' } });
    }
    return losses;
  }, scripted);
}

function partitionLosses(
  partition: Partition,
  { sites }: Scenario,
  seed: Random,
  stream: string,
  durationMs: number,
): SharedLoss[] {
  const { way, share, each } = partition;
  return placesOf(partition, sites).flatMap((place) => {
    const name = each === undefined ? stream : `${stream}/${place.site ?? place.gateway}`;
    return times(partition, seed.split(name), durationMs).map((time, k) => ({
      ...place,
      share,
      stream: `${name}/${k}`,
      loss: { ...time, cause: 'partition' as const, way },
    }));
  });
}

function placesOf(
  { each, site, gateway }: Partition,
  sites: Scenario['sites'],
): { site?: string; gateway?: string }[] {
  if (each === 'site') return Object.keys(sites).map((name) => ({ site: name }));
  if (each === 'gateway')
    return Object.values(sites)
      .flat()
      .map((name) => ({ gateway: name }));
  return [{ ...(site !== undefined && { site }), ...(gateway !== undefined && { gateway }) }];
}

function serviceOutages(
  condition: BrokerRestart | MonitorBlind,
  random: Random,
  durationMs: number,
): ServiceOutage[] {
  return times(condition, random, durationMs).map((time) => ({ ...time, condition }));
}

/** When something happens: once at its time, or again and again by chance. */
function times(
  when: Pick<NetworkCondition, 'atMs' | 'everyMs' | 'forMs'>,
  random: Random,
  durationMs: number,
): { fromMs: number; toMs: number }[] {
  const { atMs, everyMs = Infinity, forMs } = when;
  const starts = atMs === undefined ? arrivals(random, everyMs, 0, durationMs) : [atMs];
  const found: { fromMs: number; toMs: number }[] = [];
  for (const fromMs of starts) found.push({ fromMs, toMs: fromMs + drawSpan(forMs, random) });
  return found;
}
