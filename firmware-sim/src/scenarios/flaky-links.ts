import type { ScenarioInput } from '../scenario.ts';

export const flakyLinks: ScenarioInput = {
  name: 'flaky-links',
  description: 'Links drop and flap while every device runs on: a detector should hold its fire',
  devices: 100,
  duration: '5m',
  sites: { coast: ['gw-1', 'gw-2', 'gw-3'] },
  classes: {
    good: { share: 3, interval: '5s', faults: [{ kind: 'link-loss', every: '5m', for: ['1s', '8s'] }] },
    poor: {
      interval: '5s',
      faults: [
        { kind: 'link-loss', every: '40s', for: ['2s', '15s'] },
        { kind: 'flapping', every: '2m', times: 5, for: ['500ms', '2s'], pause: ['1s', '3s'] },
      ],
    },
  },
};
