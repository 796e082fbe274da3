export { classFileSchema } from './class-file.ts';
export * from './contender.ts';
export { addSilence } from './detection-times.ts';
export { LogHistogram, type TimeDistribution } from './log-histogram.ts';
export { type Plot, type PlotSeries, plotGridSvg, plotSvg } from './plot.ts';
export { poissonInterval } from './poisson.ts';
export * from './replay.ts';
export { budgetSweep, replayPlot } from './replay-plot.ts';
export type * from './report.ts';
export type { DetectionScore, Score } from './score.ts';
export { replayTables, type Table, tuneTables } from './table.ts';
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
export { transitionLine } from './transition-line.ts';
export { type DeviceTruth, type GroupTruth, parseTruthLine, type TruthLine } from './truth-line.ts';
export * from './tune.ts';
