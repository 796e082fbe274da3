import type { Clock } from './clock.ts';
import type { Encoding } from './protocol/index.ts';
import type { Transport } from './transport.ts';

export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** What a device may measure about itself for a beat. */
export interface Telemetry {
  readonly batteryPercent?: number | undefined;
  readonly rssiDbm?: number | undefined;
}

export interface DeviceOptions {
  /** Broker: `mqtt://`, `mqtts://`, `ws://` or `wss://`. Required unless `transport` is given. */
  readonly url?: string | undefined;
  readonly deviceId: string;
  readonly class: string;
  /** Usual time between two beats: milliseconds or text such as `15m`. */
  readonly interval: number | string;
  /** Each gap is drawn evenly from interval × (1 ± jitter), so that a fleet spreads out. */
  readonly jitter?: number | undefined;
  readonly root?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly clientId?: string | undefined;
  readonly ca?: string | Buffer | readonly (string | Buffer)[] | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
  /** MQTT keepalive in seconds; 0 switches it off. */
  readonly keepalive?: number | undefined;
  readonly connectTimeout?: number | string | undefined;
  readonly ackTimeout?: number | string | undefined;
  readonly qos?: 0 | 1 | undefined;
  readonly encoding?: Encoding | undefined;
  readonly generation?: number | undefined;
  readonly site?: string | undefined;
  readonly gateway?: string | undefined;
  readonly firmware?: string | undefined;
  readonly reconnect?:
    | { readonly minMs?: number | undefined; readonly maxMs?: number | undefined }
    | undefined;
  readonly connection?: 'persistent' | 'per-beat' | undefined;
  readonly telemetry?: (() => Telemetry) | undefined;
  readonly logger?: Logger | undefined;
  readonly transport?: Transport | undefined;
  readonly clock?: Clock | undefined;
  /** Numbers evenly from [0, 1), as Math.random. */
  readonly random?: (() => number) | undefined;
}
