import type { ScenarioInput } from '../scenario.ts';

export const stormyDay: ScenarioInput = {
  name: 'stormy-day',
  description:
    'Connected machines through half-open connections, one-way partitions, broker restarts and blind hours',
  devices: 60,
  duration: '1d',
  quiet: '4h',
  sites: { plant: ['gw-1', 'gw-2'], yard: ['gw-3'] },
  classes: {
    machine: {
      interval: '1m',
      sites: ['plant'],
      link: { lan: 2, wifi: 1 },
      detector: { reconnect: '5m' },
      faults: [
        { kind: 'crash', every: '2d', for: ['1h', '3h'] },
        { kind: 'hang', every: '4d', for: ['1h', '2h'] },
        { kind: 'link-loss', every: '12h', for: ['5s', '40s'] },
      ],
    },
    vehicle: {
      interval: '2m',
      link: 'cellular',
      detector: { reconnect: '5m' },
      faults: [{ kind: 'sleep', every: '6h', for: ['20m', '2h'], oversleep: 0.1, deadFor: ['1h', '2h'] }],
    },
  },
  network: [
    { kind: 'broker-restart', every: '6h', for: ['5s', '2m'], wills: true },
    { kind: 'monitor-blind', every: '6h', for: ['1m', '1h'] },
    { kind: 'partition', every: '8h', each: 'gateway', for: ['2m', '20m'] },
    { kind: 'partition', at: '9h', for: '10m', share: 0.5, way: 'up' },
    { kind: 'partition', at: '17h', for: '10m', share: 0.5, way: 'down' },
  ],
};
