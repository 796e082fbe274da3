export * from './influx-source.ts';
export * from './journal-source.ts';
export { LOOK_BACK_MS } from './tally.ts';
export * from './uptime.ts';
