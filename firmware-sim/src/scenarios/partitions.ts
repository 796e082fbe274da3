import type { ScenarioInput } from '../scenario.ts';

export const partitions: ScenarioInput = {
  name: 'partitions',
  description:
    'Every device runs on while gateways, a site, half the fleet and all of it lose one way or both',
  devices: 60,
  duration: '1d',
  quiet: '2h',
  sites: { east: ['gw-1', 'gw-2'], west: ['gw-3'] },
  classes: {
    machine: { interval: '1m', detector: { reconnect: '5m' } },
    probe: { interval: '10m', connection: 'per-beat', link: 'cellular' },
  },
  network: [
    { kind: 'partition', every: '8h', each: 'gateway', for: ['1m', '1h'] },
    { kind: 'partition', at: '5h', for: '30m', site: 'east', way: 'up' },
    { kind: 'partition', at: '8h', for: '90s', share: 0.5, way: 'up' },
    { kind: 'partition', at: '10h', for: '90s', share: 0.5, way: 'down' },
    { kind: 'partition', at: '12h', for: '15m', share: 0.5 },
    { kind: 'partition', at: '16h', for: '20m' },
  ],
};
