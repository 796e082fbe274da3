/** Everything that can be set about the detector, in one schema; YAML, environment and flags all end here. */
import { hostname } from 'node:os';
import { DEFAULT_ROOT, isRoot, NAME_PATTERN, NAME_RULE } from '@slowbeat/device-sdk/protocol';
import * as z from 'zod';
import { classesSchema, durationSchema } from './class-settings.ts';
import { GROUP_KINDS } from './detector/index.ts';

/** The host's name made fit for a topic or a client id. */
function defaultMonitor(): string {
  const name = hostname()
    .replace(/[^A-Za-z0-9_-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64);
  return name === '' ? 'monitor' : name;
}

const PORT_RULE = 'must be a port from 0 to 65535; 0 takes any free one';

export const httpSchema = z.strictObject({
  /** Address to listen on; nothing but this machine unless told otherwise. */
  host: z.string().min(1).default('127.0.0.1'),
  /** 0 takes any free port. */
  port: z
    .int({ error: PORT_RULE })
    .min(0, { error: PORT_RULE })
    .max(65_535, { error: PORT_RULE })
    .default(8080),
});

export const detectorConfigSchema = z.strictObject({
  /** Topic prefix that also carries the protocol's major version. */
  root: z
    .string()
    .refine(isRoot, {
      error: 'must be a topic prefix without wildcards, blanks or empty levels, such as hb/v1',
    })
    .default(DEFAULT_ROOT),
  /** Name under which this detector judges; in verdicts, and in its MQTT client id. */
  monitor: z.string().regex(NAME_PATTERN, { error: NAME_RULE }).default(defaultMonitor),
  /**
   * Whether verdicts are kept at `…/state/<monitor>` instead of `…/state`: for several monitors at one broker, which
   * would overwrite each other.
   */
  ownStateTopic: z.boolean().default(false),
  /** Holds the journal, the snapshot and the lock; one detector per directory. */
  dataDirectory: z.string().min(1).default('./data'),
  /** How often the learned state is saved; after a crash so much of it is learned anew. */
  snapshotInterval: durationSchema.prefault('10s'),
  /** Devices that are registered at most; further ones are refused and counted. */
  devicesMax: z.int().positive({ error: 'must be at least 1' }).default(100_000),
  /** The journal's day segments are kept for so long. */
  retention: durationSchema.prefault('400d'),
  /** Keeps every heartbeat, in a journal and a database of their own: a point for each, so mind the volume. */
  rawBeats: z.boolean().default(false),
  rawBeatsRetention: durationSchema.prefault('7d'),
  /** What devices may be silenced by together, so that their silence is one incident and not many deaths. */
  outageGroups: z.array(z.enum(GROUP_KINDS)).default([...GROUP_KINDS]),
  http: httpSchema.prefault({}),
  classes: classesSchema,
});

export type DetectorConfig = z.output<typeof detectorConfigSchema>;
export type DetectorConfigInput = z.input<typeof detectorConfigSchema>;
