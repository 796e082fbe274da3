/** What a device can be told, with defaults; `option-check.ts` turns it into settings. */
import type { Clock } from './clock.ts';
import type { Encoding } from './protocol/index.ts';
import type { Transport } from './transport.ts';

/** Takes one line of text per call; `console`, pino and most others fit. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** What a device may measure about itself for a beat. */
export interface Telemetry {
  /** 0 to 100. */
  readonly batteryPercent?: number | undefined;
  /** −200 to 100. */
  readonly rssiDbm?: number | undefined;
}

/** Certificates and keys in PEM, as Node's `tls` takes them. */
export type Pem = string | Buffer | readonly (string | Buffer)[];

/** TLS settings, with the names and meanings of Node and MQTT.js. */
export interface TlsOptions {
  /** Trusted authorities instead of the system's. */
  readonly ca?: Pem | undefined;
  /** The device's own certificate, and its key. */
  readonly cert?: Pem | undefined;
  readonly key?: Pem | undefined;
  /** False accepts any certificate; only for experiments. Default true. */
  readonly rejectUnauthorized?: boolean | undefined;
}

export interface DeviceOptions extends TlsOptions {
  /**
   * Broker: `mqtt://`, `mqtts://`, `ws://` or `wss://` with host and port; several with commas between, where one serves
   * at a time. Required unless `transport` is given.
   */
  readonly url?: string | undefined;
  /** Name of the device, unique within its class. */
  readonly deviceId: string;
  /** Name of its class: devices that are alike in how they beat. */
  readonly class: string;
  /** Usual time between two beats: milliseconds, or text such as `15m`. */
  readonly interval: number | string;
  /** Each gap is drawn evenly from interval × (1 ± jitter), so that a fleet spreads out. 0 to 0.5, default 0.1. */
  readonly jitter?: number | undefined;
  /** Topic prefix; default `hb/v1`. */
  readonly root?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** MQTT client id; default `<class>.<deviceId>`. Two clients with one id throw each other out. */
  readonly clientId?: string | undefined;
  /** MQTT keepalive in whole seconds, 0 to 65535; 0 switches it off. Default 60. */
  readonly keepalive?: number | undefined;
  /** Longest wait for the broker to accept a connection: milliseconds or text. Default 30 s. */
  readonly connectTimeout?: number | string | undefined;
  /** Longest wait for the broker's answer to a message, after which the connection is given up. Default 30 s. */
  readonly ackTimeout?: number | string | undefined;
  /** Of beats; everything else is QoS 1. Default 1. */
  readonly qos?: 0 | 1 | undefined;
  /** Default `json`; `cbor` takes 60 % of the bytes. */
  readonly encoding?: Encoding | undefined;
  /** Boot identity; a later boot must have a larger number. Default epoch milliseconds; better `bootCounter(file)`. */
  readonly generation?: number | undefined;
  /** Where the device hangs. Devices that share one of these can be silenced by a common cause. */
  readonly site?: string | undefined;
  readonly gateway?: string | undefined;
  /** Firmware version, at most 64 characters. */
  readonly firmware?: string | undefined;
  /** Bounds of the wait between attempts to connect. Default 1 s, doubling to 2 minutes. */
  readonly reconnect?:
    | { readonly minMs?: number | string | undefined; readonly maxMs?: number | string | undefined }
    | undefined;
  /**
   * `persistent` (default) stays connected, has a last will and answers probes. `per-beat` connects for each beat
   * and sleeps in between.
   */
  readonly connection?: 'persistent' | 'per-beat' | undefined;
  /** Called for every beat. */
  readonly telemetry?: (() => Telemetry) | undefined;
  readonly logger?: Logger | undefined;
  /** Instead of MQTT over `url`. */
  readonly transport?: Transport | undefined;
  /** Instead of the system's. */
  readonly clock?: Clock | undefined;
  /** Numbers evenly from [0, 1); default Math.random. */
  readonly random?: (() => number) | undefined;
}

/** How a device leaves: at most one of `sleepFor`, `maintenanceFor` and `retire`. */
export interface StopOptions {
  /** It sleeps for so long and beats again at its wake-up; milliseconds, or text such as `8h`. */
  readonly sleepFor?: number | string | undefined;
  /** It is under maintenance for at most so long. */
  readonly maintenanceFor?: number | string | undefined;
  /** It leaves for good and is removed from the registry. */
  readonly retire?: boolean | undefined;
  /** `stop()` resolves within this time whatever the network does. Default 5 s. */
  readonly timeout?: number | string | undefined;
}
