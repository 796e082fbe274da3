import type { ScenarioInput } from '../scenario.ts';

export const gatewayOutage: ScenarioInput = {
  name: 'gateway-outage',
  description: 'Two gateways fail in turn, and real crashes hide among their devices',
  devices: 120,
  duration: '4m',
  sites: { east: ['gw-east-1', 'gw-east-2'], west: ['gw-west-1', 'gw-west-2'] },
  classes: { meter: { interval: '5s' } },
  timeline: [
    { at: '50s', kind: 'crash', class: 'meter', count: 6, for: '90s' },
    { at: '3m', kind: 'crash', class: 'meter', count: 3 },
  ],
  gatewayDrops: [
    { gateway: 'gw-east-1', at: '40s', for: '50s' },
    { gateway: 'gw-west-2', at: '2m', for: '30s' },
  ],
};
