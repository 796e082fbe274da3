export * from './errors.ts';
export * from './journal.ts';
export * from './line-protocol.ts';
export * from './position.ts';
export * from './state-line.ts';
export * from './utc-day.ts';
