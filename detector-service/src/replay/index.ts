export * from './contender.ts';
export type { TimeDistribution } from './detection-times.ts';
export * from './replay.ts';
export type * from './report.ts';
export type { DetectionScore, Score } from './score.ts';
export * from './trace-error.ts';
export {
  type LineFile,
  type ReadingOptions,
  type TraceFile,
  type TruthFile,
  traceFile,
  truthFile,
} from './trace-file.ts';
export { parseTraceLine, type TraceEvent } from './trace-line.ts';
export { type DeviceTruth, type GroupTruth, parseTruthLine, type TruthLine } from './truth-line.ts';
