/** A whole monitor inside another program. */
export { CommandError } from './exit-codes.ts';
export { type Monitor, type MonitorOptions, startMonitor } from './monitor.ts';
export { type Settings, type SettingsInput, settingsSchema } from './settings/schema.ts';
