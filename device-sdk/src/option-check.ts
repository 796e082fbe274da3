/** Options → settings: every value checked once, every default filled in, every complaint naming its option. */
import { inspect } from 'node:util';
import { type Clock, systemClock } from './clock.ts';
import { parseDuration } from './duration.ts';
import { DeviceError } from './errors.ts';
import { mqttTransport } from './mqtt-transport.ts';
import type { DeviceOptions, Logger, StopOptions, Telemetry } from './options.ts';
import {
  ANNOUNCED_MS_MAX,
  DEFAULT_ROOT,
  type Encoding,
  isName,
  isRoot,
  NAME_RULE,
  TEXT_CHARS_MAX,
} from './protocol/index.ts';
import type { Transport } from './transport.ts';

/** Shortest interval: below it, MQTT's own overhead is all one would measure. */
const INTERVAL_MS_MIN = 100;
const DAY_MS = 86_400_000;

export interface DeviceSettings {
  readonly deviceId: string;
  readonly deviceClass: string;
  readonly root: string;
  readonly intervalMs: number;
  readonly jitter: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly clientId: string;
  readonly keepaliveS: number;
  readonly connectTimeoutMs: number;
  readonly ackTimeoutMs: number;
  readonly qos: 0 | 1;
  readonly encoding: Encoding;
  readonly generation: number;
  readonly site: string | undefined;
  readonly gateway: string | undefined;
  readonly firmware: string | undefined;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  readonly perBeat: boolean;
  readonly telemetry: (() => Telemetry) | undefined;
  readonly logger: Logger | undefined;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Every option there is; TypeScript keeps the list complete. */
const KNOWN: Record<keyof DeviceOptions, true> = {
  url: true,
  deviceId: true,
  class: true,
  interval: true,
  jitter: true,
  root: true,
  username: true,
  password: true,
  clientId: true,
  ca: true,
  cert: true,
  key: true,
  rejectUnauthorized: true,
  keepalive: true,
  connectTimeout: true,
  ackTimeout: true,
  qos: true,
  encoding: true,
  generation: true,
  site: true,
  gateway: true,
  firmware: true,
  reconnect: true,
  connection: true,
  telemetry: true,
  logger: true,
  transport: true,
  clock: true,
  random: true,
};

export const OPTION_NAMES = Object.keys(KNOWN) as readonly (keyof DeviceOptions)[];

/** Values of these are never shown, not even when they are wrong. */
const SECRETS: ReadonlySet<string> = new Set(['password', 'key']);

/**
 * Checks options and fills in the defaults.
 *
 * @throws DeviceError `invalid-option`
 */
export function settingsFrom(options: DeviceOptions): DeviceSettings {
  if (typeof options !== 'object' || options === null) {
    throw new DeviceError(
      'invalid-option',
      'createDevice() needs an object with at least url, deviceId, class and interval',
    );
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(KNOWN, name)) {
      refuse(name, undefined, `is not an option; the options are ${OPTION_NAMES.join(', ')}`);
    }
  }
  checkReconnect(options.reconnect);
  const clock = able('clock', options.clock, ['now', 'epochMs', 'setTimer']) ?? systemClock;
  const jitter = number('jitter', options.jitter ?? 0.1, 0, 0.5);
  const reconnectMinMs = duration('reconnect.minMs', options.reconnect?.minMs ?? 1_000, 1, DAY_MS);
  const deviceId = name('deviceId', options.deviceId);
  const deviceClass = name('class', options.class);
  return {
    deviceId,
    deviceClass,
    root: isRoot(options.root ?? DEFAULT_ROOT)
      ? (options.root ?? DEFAULT_ROOT)
      : refuse(
          'root',
          options.root,
          'must be a topic prefix without wildcards, blanks or empty levels, such as "hb/v1"',
        ),
    intervalMs: checkedIntervalMs(options.interval),
    jitter,
    username: optional(text, 'username', options.username),
    password: optional(secret, 'password', options.password),
    clientId: text('clientId', options.clientId ?? `${deviceClass}.${deviceId}`),
    keepaliveS: integer('keepalive', options.keepalive ?? 60, 0, 65_535),
    connectTimeoutMs: duration('connectTimeout', options.connectTimeout ?? 30_000, 1, DAY_MS),
    ackTimeoutMs: duration('ackTimeout', options.ackTimeout ?? 30_000, 1, DAY_MS),
    qos: oneOf('qos', options.qos ?? 1, [0, 1]),
    encoding: oneOf('encoding', options.encoding ?? 'json', ['json', 'cbor']),
    generation: integer(
      'generation',
      options.generation ?? Math.max(0, Math.floor(clock.epochMs())),
      0,
      Number.MAX_SAFE_INTEGER,
    ),
    site: optional(name, 'site', options.site),
    gateway: optional(name, 'gateway', options.gateway),
    firmware: optional(firmwareText, 'firmware', options.firmware),
    reconnectMinMs,
    reconnectMaxMs: duration(
      'reconnect.maxMs',
      options.reconnect?.maxMs ?? Math.max(120_000, reconnectMinMs),
      reconnectMinMs,
      DAY_MS,
    ),
    perBeat:
      oneOf('connection', options.connection ?? 'persistent', ['persistent', 'per-beat']) === 'per-beat',
    telemetry: able('telemetry', options.telemetry, []),
    logger: able('logger', options.logger, ['debug', 'info', 'warn', 'error']),
    transport: able('transport', options.transport, ['open']) ?? mqttTransport(options),
    clock,
    random: able('random', options.random, []) ?? Math.random,
  };
}

function checkReconnect(reconnect: unknown): void {
  if (reconnect === undefined) return;
  if (typeof reconnect !== 'object' || reconnect === null) {
    refuse('reconnect', reconnect, 'must be an object with minMs and maxMs');
  }
  for (const key of Object.keys(reconnect)) {
    if (key !== 'minMs' && key !== 'maxMs')
      refuse(`reconnect.${key}`, undefined, 'is not an option; there are minMs and maxMs');
  }
}

/** Whole milliseconds of an interval; also for `setInterval()`. */
export function checkedIntervalMs(interval: unknown): number {
  if (interval === undefined)
    refuse('interval', interval, 'is required: the time between two beats, such as "15m"');
  // Half the longest announcement leaves room for any jitter.
  return duration('interval', interval, INTERVAL_MS_MIN, ANNOUNCED_MS_MAX / 2);
}

const STOP_OPTIONS: readonly string[] = ['sleepFor', 'maintenanceFor', 'retire', 'timeout'];

export interface Goodbye {
  readonly bye: { readonly sleepMs?: number; readonly maintenanceMs?: number; readonly retire?: true };
  readonly timeoutMs: number;
}

/** What to say and how long to wait; @throws DeviceError `invalid-option` */
export function checkedGoodbye(options: StopOptions): Goodbye {
  if (typeof options !== 'object' || options === null) refuse('stop', options, 'takes an object');
  for (const key of Object.keys(options)) {
    if (!STOP_OPTIONS.includes(key)) {
      refuse(key, undefined, `is not an option of stop(); there are ${STOP_OPTIONS.join(', ')}`);
    }
  }
  const { sleepFor, maintenanceFor, retire, timeout } = options;
  if (retire !== undefined) oneOf('retire', retire, [true, false]);
  const said = [sleepFor !== undefined, maintenanceFor !== undefined, retire === true].filter(Boolean);
  if (said.length > 1)
    refuse('stop', undefined, 'takes one of sleepFor, maintenanceFor and retire, not several');
  return {
    bye: {
      ...(sleepFor === undefined ? {} : { sleepMs: duration('sleepFor', sleepFor, 1, ANNOUNCED_MS_MAX) }),
      ...(maintenanceFor === undefined
        ? {}
        : { maintenanceMs: duration('maintenanceFor', maintenanceFor, 1, ANNOUNCED_MS_MAX) }),
      ...(retire === true ? { retire } : {}),
    },
    timeoutMs: duration('timeout', timeout ?? 5_000, 1, DAY_MS),
  };
}

/** Whole milliseconds from a number or a text such as `15m`. */
function duration(option: string, value: unknown, minMs: number, maxMs: number): number {
  let ms = Number.NaN;
  if (typeof value === 'number') ms = value;
  else if (typeof value === 'string') ms = parsedOrNaN(value);
  if (Number.isFinite(ms) && ms >= minMs && ms <= maxMs) return Math.round(ms);
  return refuse(
    option,
    value,
    `must be milliseconds from ${minMs} to ${maxMs}, or text such as "500ms", "90s", "15m", "1h30m" or "1d"`,
  );
}

function parsedOrNaN(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    return Number.NaN;
  }
}

function name(option: string, value: unknown): string {
  if (typeof value === 'string' && isName(value)) return value;
  return refuse(option, value, value === undefined ? `is required; it ${NAME_RULE}` : NAME_RULE);
}

const PRINTABLE = /^[^\p{Cc}\p{Cs}]+$/u;

function text(option: string, value: unknown, charsMax = 256): string {
  if (typeof value === 'string' && value.length <= charsMax && PRINTABLE.test(value)) return value;
  return refuse(option, value, `must be text of 1 to ${charsMax} characters without control characters`);
}

function firmwareText(option: string, value: unknown): string {
  return text(option, value, TEXT_CHARS_MAX);
}

/** As it is: a password may hold anything. */
function secret(option: string, value: unknown): string {
  return typeof value === 'string' ? value : refuse(option, value, 'must be a string');
}

function number(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  return refuse(option, value, `must be a number from ${min} to ${max}`);
}

function integer(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  return refuse(option, value, `must be a whole number from ${min} to ${max}`);
}

function oneOf<Value>(option: string, value: unknown, allowed: readonly Value[]): Value {
  const found = allowed.find((each) => each === value);
  return (
    found ?? refuse(option, value, `must be ${allowed.map((each) => JSON.stringify(each)).join(' or ')}`)
  );
}

/** A function, or an object that has all of these methods. */
function able<Value>(
  option: string,
  value: Value | undefined,
  methods: readonly string[],
): Value | undefined {
  if (value === undefined) return undefined;
  const has = (method: string) => typeof (value as Record<string, unknown> | null)?.[method] === 'function';
  if (methods.length === 0 ? typeof value === 'function' : methods.every(has)) return value;
  return refuse(
    option,
    value,
    methods.length === 0 ? 'must be a function' : `must have ${methods.join(', ')}`,
  );
}

function optional<Value>(
  check: (option: string, value: unknown) => Value,
  option: string,
  value: unknown,
): Value | undefined {
  return value === undefined ? undefined : check(option, value);
}

function refuse(option: string, value: unknown, remedy: string): never {
  const shown =
    value === undefined || SECRETS.has(option) ? '' : ` (is ${inspect(value, { depth: 0 }).slice(0, 60)})`;
  throw new DeviceError('invalid-option', `option "${option}" ${remedy}${shown}`, { option });
}
