import type { ScenarioInput } from '../scenario.ts';

export const gatewayOutages: ScenarioInput = {
  name: 'gateway-outages',
  description:
    'Three days in which gateways and sites fall silent, the monitor goes blind, and a few probes really die',
  devices: 120,
  duration: '3d',
  sites: { hill: ['gw-hill-1', 'gw-hill-2'], lake: ['gw-lake-1', 'gw-lake-2'] },
  classes: {
    probe: {
      interval: '15m',
      connection: 'per-beat',
      qos: 0,
      link: 'mesh',
      faults: [{ kind: 'crash', every: '20d', for: ['8h', '1d'] }],
    },
  },
  gatewayFaults: { every: '2d', for: ['30m', '5h'] },
  network: [
    { kind: 'partition', every: '3d', each: 'site', for: ['30m', '5h'] },
    { kind: 'monitor-blind', every: '1d', for: ['10m', '4h'], backlog: true },
  ],
};
