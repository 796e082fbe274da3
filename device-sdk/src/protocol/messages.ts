/**
 * Messages of the wire protocol, version 1.
 *
 * Code uses the long names below; the wire carries the short keys of {@link SHORT_KEYS} because a beat is paid
 * for in battery and airtime. Every field is optional towards third parties: the smallest beat is an empty
 * payload. Unknown keys are ignored, so that later minor versions can add some.
 *
 * A field by which a device is judged or placed must be valid, or the message is refused. A field that only
 * describes is dropped when it is not: a fuel gauge that reads 103 % must not make its device look dead.
 */
import * as z from 'zod/mini';
import { NAME_PATTERN } from './topics.ts';

/** Longest announced silence that is taken seriously: 400 days, beyond any meter's reading period. */
export const ANNOUNCED_MS_MAX = 400 * 86_400_000;

/** Longest uptime that is believed, seconds: 126 years; above it, arithmetic in milliseconds loses its footing. */
export const UPTIME_S_MAX = 4_000_000_000;

/** Longest free text, such as a firmware version. */
export const TEXT_CHARS_MAX = 64;

/** Last instant a JavaScript Date can hold, so that whatever passes here can also be printed. */
const EPOCH_MS_MAX = 8.64e15;

/** No control characters and no halves of surrogate pairs: texts end up in logs, tables and line protocol. */
const PRINTABLE = /^[^\p{Cc}\p{Cs}]*$/u;

const counter = z.int().check(z.nonnegative());
const silenceMs = z.number().check(z.gte(1), z.lte(ANNOUNCED_MS_MAX));
const elapsedMs = z.number().check(z.nonnegative(), z.lte(ANNOUNCED_MS_MAX));
const uptimeS = z.optional(z.number().check(z.nonnegative(), z.lte(UPTIME_S_MAX)));
const instantMs = z.number().check(z.nonnegative(), z.lte(EPOCH_MS_MAX));
const describing = <S extends z.core.$ZodType>(schema: S) => z.catch(z.optional(schema), undefined);
const name = z.string().check(z.regex(NAME_PATTERN));
const shortText = z.string().check(z.maxLength(TEXT_CHARS_MAX), z.regex(PRINTABLE));

/** Who speaks: the boot, and the MQTT connection of that boot. */
const identity = {
  /** Boot identity; a later boot has a larger number (a boot counter, or the boot's epoch milliseconds). */
  generation: z.optional(counter),
  /** MQTT connection within the generation, counted from 1. */
  session: z.optional(counter),
};

const telemetry = {
  /** Seconds since boot on the device's monotonic clock. */
  uptimeS,
  /** Device clock, epoch milliseconds; may be wrong, and is never used to judge liveness. */
  deviceTimeMs: describing(instantMs),
  /** Battery charge in percent. */
  batteryPercent: describing(z.number().check(z.gte(0), z.lte(100))),
  /** Received signal strength in dBm. */
  rssiDbm: describing(z.number().check(z.gte(-200), z.lte(100))),
};

export const birthSchema = z.object({
  ...identity,
  ...telemetry,
  /** Usual time between two beats, milliseconds. */
  intervalMs: z.optional(silenceMs),
  /** Time until the first planned beat, milliseconds. */
  nextMs: z.optional(silenceMs),
  firmware: describing(shortText),
  site: z.optional(name),
  gateway: z.optional(name),
  /** What the device can do: `ping` when it answers probes. */
  capabilities: z.optional(z.array(shortText).check(z.maxLength(16))),
});

export const beatSchema = z.object({
  ...identity,
  ...telemetry,
  /** Number of the beat within its generation; a planned beat that was never sent uses one up too. */
  seq: z.optional(counter),
  /** Time until the next planned beat, milliseconds: already drawn, jitter included. */
  nextMs: z.optional(silenceMs),
  /** Publish → PUBACK time of the previous beat on the device's monotonic clock, milliseconds. */
  roundTripMs: describing(elapsedMs),
  /** Beats it failed to send since its last success. */
  missed: describing(counter),
});

export const willSchema = z.object({ ...identity });

export const byeSchema = z.object({
  ...identity,
  uptimeS,
  /** It sleeps for so many milliseconds and beats again at its wake-up. */
  sleepMs: z.optional(silenceMs),
  /** It is under maintenance for at most so many milliseconds. */
  maintenanceMs: z.optional(silenceMs),
  /** It leaves for good and is removed from the registry. */
  retire: z.optional(z.boolean()),
});

export const pingSchema = z.object({
  /** Echoed in the pong. */
  nonce: z.optional(counter),
});

export const pongSchema = z.object({ ...identity, nonce: z.optional(counter), uptimeS });

const STATES = ['unknown', 'alive', 'suspect', 'dead', 'asleep', 'unreachable', 'retired'] as const;

/** The verdict, published retained for anyone; unlike the others it carries long keys. */
export const stateSchema = z.object({
  state: z.enum(STATES),
  previous: z.optional(z.enum(STATES)),
  /** Instant at which the state became true, epoch milliseconds. */
  at: instantMs,
  reason: shortText,
  /** Suspicion level −log10 P(silence | alive) at that instant. */
  phi: z.optional(z.number()),
  lastSeenAt: z.optional(instantMs),
  expectedBy: z.optional(instantMs),
  suspectAt: z.optional(instantMs),
  deadAt: z.optional(instantMs),
  /** Which monitor judged. */
  monitor: z.optional(shortText),
});

export type Birth = z.infer<typeof birthSchema>;
export type Beat = z.infer<typeof beatSchema>;
export type Will = z.infer<typeof willSchema>;
export type Bye = z.infer<typeof byeSchema>;
export type Ping = z.infer<typeof pingSchema>;
export type Pong = z.infer<typeof pongSchema>;
export type StateMessage = z.infer<typeof stateSchema>;
export type LivenessState = StateMessage['state'];

export interface MessageByKind {
  birth: Birth;
  beat: Beat;
  will: Will;
  bye: Bye;
  ping: Ping;
  pong: Pong;
  state: StateMessage;
}

/** The schema of each kind's payload. */
export const SCHEMAS = {
  birth: birthSchema,
  beat: beatSchema,
  will: willSchema,
  bye: byeSchema,
  ping: pingSchema,
  pong: pongSchema,
  state: stateSchema,
} as const;

/** Long name → key on the wire. A name that is not listed travels as it is. */
export const SHORT_KEYS: Readonly<Record<string, string>> = {
  generation: 'g',
  session: 'k',
  seq: 's',
  nextMs: 'n',
  uptimeS: 'u',
  deviceTimeMs: 't',
  roundTripMs: 'r',
  batteryPercent: 'b',
  rssiDbm: 'q',
  missed: 'm',
  intervalMs: 'i',
  firmware: 'fw',
  gateway: 'gw',
  capabilities: 'caps',
  sleepMs: 'sleep',
  maintenanceMs: 'maint',
  nonce: 'x',
};
