import type { ScenarioInput } from '../scenario.ts';

export const blindHours: ScenarioInput = {
  name: 'blind-hours',
  description:
    'Every device runs well; only the broker and the monitor fail: whatever is called dead here is false',
  devices: 60,
  duration: '2d',
  sites: { north: ['gw-1', 'gw-2'], south: [] },
  classes: {
    machine: { interval: '1m', link: { lan: 1, wifi: 1 }, detector: { reconnect: '5m' } },
    probe: { share: 2, interval: '15m', connection: 'per-beat', link: { cellular: 1, mesh: 1 } },
  },
  network: [
    { kind: 'broker-restart', every: '8h', for: ['2s', '5m'], wills: true },
    { kind: 'broker-restart', every: '12h', for: ['1m', '1h'] },
    { kind: 'monitor-blind', every: '8h', for: ['10m', '4h'] },
    { kind: 'monitor-blind', every: '8h', for: ['10s', '2h'], backlog: true },
  ],
};
