export {
  type ChenRequirements,
  configureChen,
  type Deadlines,
  type FreshnessModel,
  freshnessModel,
  type Gap,
  type LearnedExplanation,
  type Plan,
} from './algorithms/index.ts';
export * from './class-config.ts';
export { type AdoptedVerdict, Detector, type DetectorOptions, type Observation } from './detector.ts';
export type { DeviceView, Explanation } from './device-view.ts';
export * from './evidence.ts';
export { GROUP_KINDS, type GroupKind } from './group.ts';
export type { Outcome } from './hearing.ts';
export type { IncidentView } from './incident.ts';
export type { Probe } from './probes.ts';
export { SnapshotError } from './snapshot.ts';
export * from './transition.ts';
