import type { ScenarioInput } from '../scenario.ts';

export const metersMonth: ScenarioInput = {
  name: 'meters-month',
  description: 'Meters that speak once a day, with clocks that drift and leap, through broker restarts',
  devices: 200,
  duration: '30d',
  sites: { town: [], village: [] },
  classes: {
    meter: {
      interval: '1d',
      jitter: 0.02,
      connection: 'per-beat',
      link: 'cellular',
      clock: { drift: 200, skew: '2m', steps: { every: '15d', by: ['1s', '1h'] } },
      faults: [
        { kind: 'crash', every: '90d' },
        { kind: 'crash', every: '60d', for: ['4d', '8d'] },
        { kind: 'maintenance', every: '90d', for: ['2h', '1d'] },
      ],
    },
  },
  network: [
    { kind: 'broker-restart', every: '7d', for: ['30s', '10m'] },
    { kind: 'partition', every: '10d', each: 'site', for: ['1h', '1d'] },
  ],
};
