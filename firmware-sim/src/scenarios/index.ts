/** The scenarios that come with the simulator. */
import { SimError } from '../errors.ts';
import { parseScenario, type ScenarioInput } from '../scenario.ts';
import { blindHours } from './blind-hours.ts';
import { calm } from './calm.ts';
import { crashes } from './crashes.ts';
import { demo } from './demo.ts';
import { flakyLinks } from './flaky-links.ts';
import { gatewayOutage } from './gateway-outage.ts';
import { gatewayOutages } from './gateway-outages.ts';
import { lpwanWeek } from './lpwan-week.ts';
import { metersMonth } from './meters-month.ts';
import { partitions } from './partitions.ts';
import { sleepers } from './sleepers.ts';
import { stormyDay } from './stormy-day.ts';

const SCENARIOS: readonly ScenarioInput[] = [
  demo,
  calm,
  crashes,
  flakyLinks,
  gatewayOutage,
  sleepers,
  blindHours,
  partitions,
  stormyDay,
  gatewayOutages,
  lpwanWeek,
  metersMonth,
];

export interface ScenarioListing {
  readonly name: string;
  readonly description: string;
  readonly devices: number;
  readonly durationMs: number;
}

/** What `slowbeat sim scenarios` shows. */
export function listScenarios(): ScenarioListing[] {
  return SCENARIOS.map(parseScenario).map(({ name, description, devices, durationMs }) => ({
    name,
    description,
    devices,
    durationMs,
  }));
}

/**
 * A built-in scenario by its name, as a person would have written it.
 * @throws SimError `unknown-scenario`, naming those that exist
 */
export function builtinScenario(name: string): ScenarioInput {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const known = SCENARIOS.map((scenario) => scenario.name).join(', ');
  throw new SimError('unknown-scenario', `no scenario "${name}"; there are: ${known}`);
}
