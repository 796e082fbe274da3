export { bootCounter } from './boot-counter.ts';
export { createDevice } from './client.ts';
export { type Clock, systemClock, type Timer } from './clock.ts';
export type { Device } from './device.ts';
export { formatDuration, parseDuration } from './duration.ts';
export { DeviceError, type DeviceErrorCode } from './errors.ts';
export type { DeviceEventName, DeviceEvents, Listener } from './events.ts';
export { type MqttTransportOptions, mqttTransport } from './mqtt-transport.ts';
export type { DeviceOptions, Logger, Pem, StopOptions, Telemetry, TlsOptions } from './options.ts';
export { brokerUrls } from './several-brokers.ts';
export type {
  Connection,
  ConnectionEvents,
  ConnectRequest,
  OutgoingMessage,
  Transport,
} from './transport.ts';
