export { createDevice, type Device, type StopOptions } from './client.ts';
export { type Clock, systemClock, type Timer } from './clock.ts';
export { DeviceError, type DeviceErrorCode } from './errors.ts';
export type { DeviceEventName, DeviceEvents, Listener } from './events.ts';
export type { DeviceOptions, Logger, Telemetry } from './options.ts';
export type {
  Connection,
  ConnectionEvents,
  ConnectRequest,
  OutgoingMessage,
  Transport,
} from './transport.ts';
