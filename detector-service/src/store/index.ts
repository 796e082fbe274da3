export * from './checkpoints.ts';
export * from './errors.ts';
export * from './journal.ts';
export * from './line-protocol.ts';
export * from './position.ts';
export type { BatchLimits, LineBatch } from './segment.ts';
export * from './state-line.ts';
export * from './state-series.ts';
export * from './utc-day.ts';
