import type { ScenarioInput } from '../scenario.ts';

export const sleepers: ScenarioInput = {
  name: 'sleepers',
  description:
    'Devices that sleep as announced or connect for each beat only; every fifth sleeper does not wake',
  devices: 60,
  duration: '5m',
  sites: { field: [] },
  classes: {
    tracker: {
      interval: '5s',
      faults: [{ kind: 'sleep', every: '40s', for: ['10s', '30s'], oversleep: 0.2, deadFor: ['30s', '60s'] }],
    },
    probe: {
      interval: '15s',
      jitter: 0.2,
      connection: 'per-beat',
      encoding: 'cbor',
      faults: [{ kind: 'crash', every: '10m', for: ['60s', '90s'] }],
    },
  },
};
