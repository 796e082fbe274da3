export { classesSchema, classSchema, durationSchema, PRESETS } from './class-settings.ts';
export { type DetectorConfig, type DetectorConfigInput, detectorConfigSchema, httpSchema } from './config.ts';
