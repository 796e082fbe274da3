/** Every setting of the `slowbeat` command in one schema: detector, broker, log. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { type BrokerConfigInput, brokerConfigSchema } from '@slowbeat/broker';
import { detectorConfigSchema, httpSchema } from '@slowbeat/detector-service';
import { brokerUrls } from '@slowbeat/device-sdk';
import * as z from 'zod';

const SCHEMES = ['mqtt:', 'mqtts:', 'ws:', 'wss:'];

/** True for the addresses of brokers; a password in one would end up in logs and process lists. */
export function areBrokerUrls(text: string): boolean {
  return brokerUrls(text).every(isBrokerUrl);
}

function isBrokerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, password } = new URL(text);
  return SCHEMES.includes(protocol) && hostname !== '' && password === '';
}

export const BROKER_URL_RULE =
  'must be mqtt://host:1883, mqtts://host:8883, ws://host or wss://host, without a password in it, or several with commas between';

/** Opened when the settings are checked, so that a wrong path is a wrong setting and not a late surprise. */
const readableFileSchema = z.string().superRefine((path, context) => {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `cannot be read: ${(error as Error).message}` });
  }
});

const brokerSchema = z.strictObject({
  /** Heartbeats are taken from this broker, or the one of several that serves, and no broker is started. */
  url: z.string().refine(areBrokerUrls, { error: BROKER_URL_RULE }).optional(),
  username: z.string().min(1).optional(),
  passwordFile: readableFileSchema.optional(),
  /** The detector's session at that broker; default `slowbeat-<monitor>`. */
  clientId: z.string().min(1).max(128).optional(),
  caFile: readableFileSchema.optional(),
  certFile: readableFileSchema.optional(),
  keyFile: readableFileSchema.optional(),
  /** Health, metrics and the list of clients of `slowbeat broker`, which listens nowhere for it unless this is there. */
  http: httpSchema.optional(),
  ...brokerConfigSchema.omit({ root: true }).shape,
});

const logSchema = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** `auto`: text at a terminal, JSON lines elsewhere. */
  format: z.enum(['auto', 'text', 'json']).default('auto'),
});

export const settingsSchema = detectorConfigSchema.extend({
  broker: brokerSchema.prefault({}),
  log: logSchema.prefault({}),
});

export type Settings = z.output<typeof settingsSchema>;
export type SettingsInput = z.input<typeof settingsSchema>;

export const brokerSettingsSchema = settingsSchema.partial({ classes: true });
export type BrokerSettings = z.output<typeof brokerSettingsSchema>;

/** A broker alone keeps nothing on disk unless it is told where. */
export const loneBrokerSettingsSchema = brokerSettingsSchema.extend({
  dataDirectory: detectorConfigSchema.shape.dataDirectory.unwrap().optional(),
});
export type LoneBrokerSettings = z.output<typeof loneBrokerSettingsSchema>;

/** Where a broker of ours keeps its sessions, below the data directory. */
export function brokerDirectory(dataDirectory: string): string {
  return join(dataDirectory, 'broker');
}

/** What the settings say about the broker of our own. */
export function ownBroker({ root, broker }: Pick<BrokerSettings, 'root' | 'broker'>): BrokerConfigInput {
  const own = Object.entries(broker).filter(([key]) => Object.hasOwn(brokerConfigSchema.shape, key));
  return { root, ...Object.fromEntries(own) };
}
