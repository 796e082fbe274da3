import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planStory } from './plan.ts';
import { parseScenario, type ScenarioInput } from './scenario.ts';
import type { Story } from './story.ts';

const HOUR = 3_600_000;
const SITES = { east: ['gw-1', 'gw-2'], west: ['gw-3'] };

function story(network: ScenarioInput['network'], more: Partial<ScenarioInput> = {}): Story {
  const scenario = { name: 'x', devices: 60, duration: '10d', sites: SITES, network, ...more };
  return planStory(parseScenario({ ...scenario, classes: { meter: { interval: '1m' } } }), { seed: 1 });
}

const lossesOf = ({ devices }: Story) =>
  devices.map(({ site, gateway, events }) => ({
    place: `${site}/${gateway}`,
    at: events.filter(({ action }) => action === 'link-down').map(({ atMs }) => atMs),
  }));

describe("the network's failures", () => {
  it('strike a site, a gateway or everybody, at the same instant', () => {
    const at = { kind: 'partition', at: '1h', for: '1m' } as const;
    for (const [where, struck] of [
      [{ site: 'east' }, /^east/],
      [{ gateway: 'gw-2' }, /gw-2$/],
      [{}, /./],
    ] as const) {
      for (const { place, at: losses } of lossesOf(story([{ ...at, ...where }]))) {
        assert.deepEqual(losses, struck.test(place) ? [HOUR] : [], place);
      }
    }
  });

  it('strike a share of the fleet, another one each time', () => {
    const network = ['1h', '2h'].map((at) => ({ kind: 'partition', at, for: '1m', share: 0.5 }) as const);
    const losses = lossesOf(story(network));
    const struck = (atMs: number) => losses.map(({ at }) => at.includes(atMs));
    const count = struck(HOUR).filter(Boolean).length;
    assert.ok(count > 15 && count < 45, `${count} of 60`);
    assert.notDeepEqual(struck(HOUR), struck(2 * HOUR));
  });

  it('come by chance to each site on its own, and not in the quiet time', () => {
    const network = [{ kind: 'partition', every: '1h', for: '1m', each: 'site' }] as const;
    const places = new Map(
      lossesOf(story([...network], { quiet: '5d' })).map(({ place, at }) => [place, at]),
    );
    assert.deepEqual(places.get('east/gw-1'), places.get('east/gw-2'));
    assert.notDeepEqual(places.get('east/gw-1'), places.get('west/gw-3'));
    const east = places.get('east/gw-1') as number[];
    assert.ok(east.length > 80 && east.length < 160, `${east.length} in 120 h`);
    assert.ok(Math.max(...east) < 120 * HOUR);
  });

  it('tell which places go unheard as a whole, and for how long', () => {
    const cut = { kind: 'partition', for: '1h' } as const;
    const { outages } = story([
      { ...cut, at: '1h', site: 'east' },
      { ...cut, at: '90m', site: 'east' },
      { ...cut, at: '5h', gateway: 'gw-3' },
      { ...cut, at: '6h' },
      { ...cut, at: '7h', site: 'west', share: 0.5 },
      { ...cut, at: '8h', site: 'west', way: 'down' },
    ]);
    assert.deepEqual(outages, [
      { place: { site: 'east' }, fromMs: HOUR, toMs: 2.5 * HOUR },
      { place: { gateway: 'gw-3' }, fromMs: 5 * HOUR, toMs: 6 * HOUR },
    ]);
    const drop = [{ gateway: 'gw-2', at: '1h', for: '1h' }];
    assert.equal(story([], { gatewayDrops: drop }).outages.length, 1);
    assert.deepEqual(story([], { gatewayDrops: drop, devices: 1 }).outages, []);
  });

  it('of broker and monitor come in the order of their beginning', () => {
    const { service, devices } = story([
      { kind: 'monitor-blind', every: '1d', for: ['10m', '4h'] },
      { kind: 'broker-restart', at: '1h', for: '1m' },
    ]);
    assert.ok(service.length > 3);
    const begins = service.map(({ fromMs }) => fromMs);
    assert.deepEqual(
      begins,
      [...begins].sort((a, b) => a - b),
    );
    assert.ok(begins.includes(HOUR));
    assert.deepEqual(
      new Set(devices.flatMap(({ events }) => events.map(({ action }) => action))),
      new Set(['boot']),
    );
  });
});
