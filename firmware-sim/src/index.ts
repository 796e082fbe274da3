export { compareUptime, type MeasuredUptime, type UptimeComparison } from './compare-uptime.ts';
export { SimError, type SimErrorCode } from './errors.ts';
export { type Death, type Evaluation, evaluate, type FalseDeath, type Recovery } from './evaluate.ts';
export { type DevicePlan, type FleetOptions, fleet } from './fleet.ts';
export type { Window } from './history.ts';
export { type Ending, type LiveRunOptions, type RunSummary, runLive } from './live-run.ts';
export { type PlanOptions, planStory } from './plan.ts';
export { type Random, type Seed, seeded } from './random.ts';
export { isRunRecord, parseRunRecord, type RunRecord, runRecord } from './run-record.ts';
export {
  type DeviceClass,
  FAULT_KINDS,
  type Fault,
  type FaultKind,
  parseScenario,
  type Scenario,
  ScenarioError,
  type ScenarioInput,
} from './scenario.ts';
export { builtinScenario, listScenarios, type ScenarioListing } from './scenarios/index.ts';
export { type Quantiles, type Score, score } from './score.ts';
export {
  runSimLive,
  type SimLiveHooks,
  type SimLiveOptions,
  type SimLiveResult,
  simLiveOptionsSchema,
} from './sim-live.ts';
export {
  type SimVirtualHooks,
  type SimVirtualOptions,
  simVirtual,
  simVirtualOptionsSchema,
} from './sim-virtual.ts';
export { type Action, type Cause, type DeviceStory, isFault, type Story, type StoryEvent } from './story.ts';
export {
  byClass,
  deviceKey,
  type OutageLine,
  type TruthLine,
  type TruthUptime,
  truthOf,
  truthUptime,
} from './truth.ts';
export {
  runVirtual,
  VIRTUAL_START_AT,
  VirtualRun,
  type VirtualRunOptions,
  type VirtualSummary,
} from './virtual/virtual-run.ts';
