import type { ScenarioInput } from '../scenario.ts';

export const lpwanWeek: ScenarioInput = {
  name: 'lpwan-week',
  description:
    'Hourly beats over a radio that loses, delays and doubles them; every fifth device is hardly heard',
  devices: 200,
  duration: '7d',
  sites: { valley: ['gw-1', 'gw-2', 'gw-3'], ridge: ['gw-4'] },
  classes: {
    sensor: {
      interval: '1h',
      connection: 'per-beat',
      qos: 0,
      encoding: 'cbor',
      link: { lpwan: 4, edge: 1 },
      clock: { drift: 50 },
      faults: [
        { kind: 'crash', every: '20d', for: ['12h', '2d'] },
        { kind: 'crash', every: '60d' },
        { kind: 'reboot', every: '10d' },
      ],
    },
  },
  gatewayFaults: { every: '20d', for: ['30m', '5h'] },
};
