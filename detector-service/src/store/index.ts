export type { BackoffOptions } from './backoff.ts';
export type { Heard, Told } from './beat-counts.ts';
export { BeatLog } from './beat-log.ts';
export * from './errors.ts';
export * from './fleet-series.ts';
export * from './influx-doctor.ts';
export {
  beatsTarget,
  describeTarget,
  type InfluxTarget,
  influxTargetSchema,
  targetFromEnvironment,
} from './influx-target.ts';
export * from './journal.ts';
export * from './journal-post.ts';
export * from './journal-reader.ts';
export * from './journal-status.ts';
export * from './journal-verify.ts';
export * from './line-protocol.ts';
export * from './position.ts';
export { type RecordedEvidence, RecordedTrace } from './recorded-evidence.ts';
export type { BatchLimits, LineBatch } from './segment.ts';
export * from './sender.ts';
export * from './sender-status.ts';
export type { SeriesWanted } from './series-lines.ts';
export * from './series-loading.ts';
export * from './series-report.ts';
export { encodeSeries } from './series-snapshot.ts';
export * from './state-line.ts';
export type { Span } from './state-reading.ts';
export * from './state-series.ts';
export * from './utc-day.ts';
export * from './write-in-pieces.ts';
