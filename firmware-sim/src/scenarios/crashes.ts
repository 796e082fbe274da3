import type { ScenarioInput } from '../scenario.ts';

export const crashes: ScenarioInput = {
  name: 'crashes',
  description: 'Devices crash, hang and reboot at random; some never come back',
  devices: 100,
  duration: '5m',
  sites: { plant: ['gw-1', 'gw-2'] },
  classes: {
    meter: {
      share: 3,
      interval: '5s',
      faults: [
        { kind: 'crash', every: '5m', for: ['15s', '60s'] },
        { kind: 'reboot', every: '5m' },
        { kind: 'crash', every: '1h' },
      ],
    },
    pump: {
      interval: '2s',
      faults: [
        { kind: 'hang', every: '5m', for: ['20s', '40s'] },
        { kind: 'reboot', every: '2m' },
      ],
    },
  },
};
