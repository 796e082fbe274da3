import type { ScenarioInput } from '../scenario.ts';

/**
 * The whole story in 45 seconds; every kind of fault that a detector should tell apart occurs. While a gateway in
 * the north is away, what is scripted happens in the south, where it can be seen.
 */
export const demo: ScenarioInput = {
  name: 'demo',
  description: 'A fast fleet that crashes, hangs, sleeps, oversleeps and loses a gateway within 45 s',
  devices: 32,
  duration: '45s',
  sites: { north: ['gw-north-1', 'gw-north-2'], south: ['gw-south'] },
  classes: {
    meter: { share: 16, interval: '2s' },
    pump: { share: 8, interval: '1s' },
    tracker: {
      share: 8,
      interval: '4s',
      connection: 'per-beat',
      faults: [{ kind: 'sleep', every: '30s', for: ['5s', '8s'] }],
    },
  },
  timeline: [
    { at: '6s', kind: 'crash', class: 'meter', site: 'south', count: 2, for: '14s' },
    { at: '7s', kind: 'sleep', class: 'tracker', site: 'south', for: '5s', oversleep: 1, deadFor: '18s' },
    { at: '9s', kind: 'sleep', class: 'tracker', site: 'south', for: '6s' },
    { at: '8s', kind: 'hang', class: 'pump', site: 'south', for: '14s' },
    { at: '14s', kind: 'maintenance', class: 'meter', site: 'south', for: ['8s', '10s'] },
    { at: '26s', kind: 'reboot', class: 'meter', site: 'south', count: 2 },
    { at: '27s', kind: 'flapping', class: 'pump', site: 'south', times: 3, for: '500ms', pause: '1s' },
    { at: '28s', kind: 'crash', class: 'pump', site: 'north' },
    { at: '30s', kind: 'retire', class: 'tracker', site: 'south' },
    { at: '31s', kind: 'link-loss', class: 'meter', site: 'south', for: '6s' },
  ],
  gatewayDrops: [{ gateway: 'gw-north-1', at: '16s', for: '8s' }],
};
