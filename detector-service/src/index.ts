/** The detector at work: settings, service, MQTT ingest and HTTP interface. */
export { readAliveMark } from './alive-mark.ts';
export { BoundedLog } from './bounded-log.ts';
export { classesSchema, classSchema, durationSchema, PRESETS } from './class-settings.ts';
export { type DetectorConfig, type DetectorConfigInput, detectorConfigSchema, httpSchema } from './config.ts';
export { createDetectorService, type DetectorServiceOptions } from './create-service.ts';
export { createMetrics, type MetricFamily, type Metrics, type Sample } from './http/metrics.ts';
export { json, problem, type Reply } from './http/responses.ts';
export {
  type Check,
  type DeviceSource,
  HttpListenError,
  type HttpOptions,
  type HttpServer,
  type Page,
  startHttp,
} from './http/server.ts';
export type { InboundMessage, Refusal } from './inbound.ts';
export type { IncidentListener } from './incident-log.ts';
export { MqttIngest, type MqttIngestOptions } from './ingest/mqtt-ingest.ts';
export type { TransitionListener } from './recorder.ts';
export { pathsIn } from './recovery.ts';
export type { DetectorService } from './service.ts';
export { serviceMetrics } from './service-metrics.ts';
