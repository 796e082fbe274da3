import type { ScenarioInput } from '../scenario.ts';

export const calm: ScenarioInput = {
  name: 'calm',
  description: 'Nothing goes wrong: whatever is called dead here is a false alarm',
  devices: 50,
  duration: '2m',
  sites: { home: [] },
  classes: { meter: { interval: '5s' } },
};
