/**
 * Device classes as people write them: durations as text (`interval: 15m`) or as numbers of milliseconds
 * (`intervalMs: 900000`), a preset to start from, and nothing else: unknown keys are errors.
 */
import { parseDuration } from '@slowbeat/device-sdk';
import { NAME_PATTERN, NAME_RULE } from '@slowbeat/device-sdk/protocol';
import * as z from 'zod';
import { ALGORITHMS, type ClassConfig, classConfig } from './detector/index.ts';

/** Text such as `90s` or `1h30m`, read as milliseconds. */
export const durationSchema = z
  .string({ error: 'a duration is text with units, such as 90s or 1h30m' })
  .transform((text, context) => {
    try {
      return parseDuration(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
      return z.NEVER;
    }
  });

const someTimeSchema = durationSchema.refine((ms) => ms > 0, { error: 'must be longer than 0' });

const millisecondsSchema = z.number().positive();

/** What others call the same thing: the failure detectors people know, as classes to start from. */
export const PRESETS = {
  /** Kubernetes nodes: status every 10 s (`nodeStatusUpdateFrequency`), not ready after 40 s (`node-monitor-grace-period`). */
  kubernetes: { intervalMs: 10_000, algorithm: 'fixed', timeoutMs: 40_000 },
  /** A Consul TTL check, renewed at half its time to live. */
  consul: { intervalMs: 15_000, algorithm: 'fixed', timeoutMs: 30_000 },
  /** Redis Sentinel: a ping a second, down after 30 s. */
  sentinel: { intervalMs: 1000, algorithm: 'fixed', timeoutMs: 30_000, suspectAfterMs: 5000 },
  /** Cassandra's gossip: once a second, convicted at φ = 8 of an exponential distribution (`phi_convict_threshold`). */
  cassandra: { intervalMs: 1000, algorithm: 'phi-exponential', phiThreshold: 8 },
  /** Zigbee2MQTT's availability of mains-powered devices: offline after 10 min of silence. */
  'zigbee-mains': { intervalMs: 300_000, algorithm: 'fixed', timeoutMs: 600_000, suspectAfterMs: 540_000 },
  /** Zigbee2MQTT's availability of battery-powered devices: offline after 25 h of silence. */
  'zigbee-battery': {
    intervalMs: 86_400_000,
    algorithm: 'fixed',
    timeoutMs: 90_000_000,
    suspectAfterMs: 88_200_000,
  },
} as const satisfies Record<string, Partial<ClassConfig> & Pick<ClassConfig, 'intervalMs'>>;

const DURATIONS = [
  'interval',
  'timeout',
  'suspectAfter',
  'margin',
  'minSilence',
  'maxSilence',
  'reconnect',
  'bye',
  'expire',
] as const;
type DurationName = (typeof DURATIONS)[number];

const durationKeys = {
  interval: someTimeSchema,
  timeout: someTimeSchema,
  suspectAfter: someTimeSchema,
  margin: someTimeSchema,
  minSilence: durationSchema,
  maxSilence: someTimeSchema,
  reconnect: someTimeSchema,
  bye: someTimeSchema,
  expire: someTimeSchema,
  intervalMs: millisecondsSchema,
  timeoutMs: millisecondsSchema,
  suspectAfterMs: millisecondsSchema,
  marginMs: millisecondsSchema,
  minSilenceMs: z.number().nonnegative(),
  maxSilenceMs: millisecondsSchema,
  reconnectMs: millisecondsSchema,
  byeMs: millisecondsSchema,
  expireMs: millisecondsSchema,
} satisfies Record<DurationName | `${DurationName}Ms`, z.ZodType<number>>;

const settingsSchema = z
  .strictObject({
    preset: z.enum(Object.keys(PRESETS) as [keyof typeof PRESETS]),
    algorithm: z.enum(ALGORITHMS),
    falseAlarmsPerDeviceYear: z.number().positive(),
    missedBeats: z.int().positive(),
    phiThreshold: z.number().positive(),
    probe: z.boolean(),
    proofOfLife: z.array(z.enum(['birth', 'beat', 'pong', 'traffic'])).nonempty(),
    ...durationKeys,
  })
  .partial();

type Settings = z.output<typeof settingsSchema>;

/** One class, completed: what the detector takes. */
export const classSchema = settingsSchema.transform((settings, context): ClassConfig => {
  const refuse = (key: string, message: string): never => {
    context.addIssue({ code: 'custom', path: [key], message });
    return z.NEVER;
  };
  const { preset, ...own } = settings;
  for (const name of DURATIONS) {
    if (own[name] !== undefined && own[`${name}Ms`] !== undefined) {
      return refuse(name, `is given twice, here and as ${name}Ms; leave one out`);
    }
  }
  const { intervalMs, ...knobs } = { ...(preset && PRESETS[preset]), ...withoutUnits(own) };
  if (intervalMs === undefined) {
    return refuse('interval', 'is missing: the usual time between two beats, such as interval: 15m');
  }
  const complete = classConfig({ intervalMs, ...knobs });
  if (complete.algorithm === 'fixed' && complete.timeoutMs < intervalMs) {
    return refuse('timeout', 'is shorter than interval: every device would be dead before its next beat');
  }
  if (complete.suspectAfterMs > complete.timeoutMs) {
    return refuse('suspectAfter', 'is longer than timeout: a device is suspect before it is dead');
  }
  if (complete.minSilenceMs > complete.maxSilenceMs) return refuse('minSilence', 'is longer than maxSilence');
  return complete;
});

const NO_CLASS = 'holds no class; at least one is needed, such as classes: { meter: { interval: 15m } }';

export const classesSchema = z
  .record(z.string().regex(NAME_PATTERN, { error: `a class name ${NAME_RULE}` }), classSchema, {
    error: (issue) => (issue.code === 'invalid_type' ? NO_CLASS : undefined),
  })
  .refine((classes) => Object.keys(classes).length > 0, { error: NO_CLASS });

/** Folds `interval` into `intervalMs` and so on; drops what was not given. */
function withoutUnits(settings: Omit<Settings, 'preset'>): Partial<ClassConfig> {
  const knobs: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(settings)) {
    if (value !== undefined) knobs[(DURATIONS as readonly string[]).includes(key) ? `${key}Ms` : key] = value;
  }
  return knobs;
}
