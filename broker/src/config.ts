/**
 * What can be set about the broker: one schema for a YAML section, the environment and code.
 *
 * Every limit has a default that suits heartbeats: messages of tens of bytes, seconds to days apart, from many
 * small devices, some of them hostile. Each description ends up in the README's table; a test compares the two.
 */
import { DEFAULT_ROOT, isRoot, PAYLOAD_BYTES_MAX } from '@slowbeat/device-sdk/protocol';
import * as z from 'zod';
import { CREDENTIAL_ROLES } from './access.ts';

/** A whole number within bounds; the message says what came and what would be right. */
function whole(min: number, max: number, unit: string) {
  const error = (issue: { input?: unknown }) =>
    `${show(issue.input)} is not a whole number from ${min} to ${max} (${unit}); set one or leave it out`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** An object whose unknown keys are errors that list the known ones. */
function section<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `unknown ${(issue.keys as string[]).map(show).join(', ')}; known are ${Object.keys(shape).join(', ')}`
        : `${show(issue.input)} is not a section; known keys are ${Object.keys(shape).join(', ')}`,
  });
}

const MODES = 'set "open" (demo, this machine only) or "users" (with a credentials file)';

const accessSchema = z.discriminatedUnion(
  'mode',
  [
    section({
      mode: z
        .literal('open')
        .describe('Nobody has to say who they are; for a demo and for this machine only.'),
      allowOpenOnNetwork: z
        .boolean({ error: (issue) => `${show(issue.input)} is neither true nor false` })
        .default(false)
        .describe(
          'Open mode on an address other machines can reach: anybody there can speak for any device.',
        ),
    }),
    section({
      mode: z.literal('users').describe('Every client names itself by user name and password.'),
      credentialsFile: z
        .string({ error: (issue) => `${show(issue.input)} is not a path; name the file of users` })
        .min(1, { error: 'is empty; name the file of users' })
        .describe('File of users, one per line; read again on `reload()`.'),
    }),
  ],
  { error: (issue) => `${show((issue.input as { mode?: unknown } | null)?.mode)} is not a mode; ${MODES}` },
);

const limitsSchema = section({
  connectionsMax: whole(1, 1_000_000, 'connections')
    .default(20_000)
    .describe('Sockets open at once. When full, the socket waiting longest for its CONNECT makes room.'),
  connectionsPerAddressMax: whole(1, 1_000_000, 'connections')
    .default(1_000)
    .describe('Sockets open at once from one address, `trustedAddresses` excepted.'),
  trustedAddresses: z
    .array(z.string({ error: (issue) => `${show(issue.input)} is not an address` }), {
      error: (issue) => `${show(issue.input)} is not a list of addresses`,
    })
    .default(['127.0.0.1', '::1'])
    .describe('Addresses that stand for many clients (proxies, NAT, this machine): no limit per address.'),
  connectTimeoutMs: whole(100, 600_000, 'milliseconds')
    .default(10_000)
    .describe('A socket that has not said CONNECT by then is closed; so is one whose log-in takes longer.'),
  connectPacketBytesMax: whole(64, 1_048_576, 'bytes')
    .default(8_192)
    .describe('Size of a CONNECT (will and password included), judged by its declared length.'),
  packetBytesMax: whole(64, 1_048_576, 'bytes')
    .default(8_192)
    .describe('Size of any later packet, judged by its declared length before it is read.'),
  payloadBytesMax: whole(1, 1_048_576, 'bytes')
    .default(PAYLOAD_BYTES_MAX)
    .describe('Payload of a message or will; no decoder of the protocol reads more.'),
  clientIdLengthMax: whole(23, 4_096, 'characters').default(256).describe('Length of a client id.'),
  topicLengthMax: whole(32, 4_096, 'characters').default(300).describe('Length of a topic or filter.'),
  topicLevelsMax: whole(4, 100, 'levels').default(16).describe('Levels of a topic or filter.'),
  keepaliveMaxS: whole(1, 65_535, 'seconds')
    .default(3_600)
    .describe(
      'Longest keepalive granted; a longer one, and 0 (none), count as this. Silence beyond 1.5 × ends it.',
    ),
  messagesPerSecondMax: whole(1, 1_000_000, 'messages')
    .default(100)
    .describe('Sustained rate of one client (a gateway included): device messages, subscriptions, pings.'),
  messageBurstMax: whole(1, 1_000_000, 'messages')
    .default(1_000)
    .describe('What one client may send at once above the sustained rate; beyond it is cut off.'),
  subscriptionsPerClientMax: whole(1, 10_000, 'subscriptions')
    .default(100)
    .describe('Subscriptions of one client; the next is refused with SUBACK 128.'),
  persistentSessionsMax: whole(0, 10_000, 'sessions')
    .default(32)
    .describe('Sessions kept while their client is away (clean=false); devices get none, they need none.'),
  sessionExpiryS: whole(1, 31_536_000, 'seconds')
    .default(86_400)
    .describe('A kept session whose client stays away longer is forgotten.'),
  queuedMessagesMax: whole(1, 60_000, 'messages')
    .default(20_000)
    .describe('Messages kept per session for an absent or slow client; the oldest go first.'),
  retainedMessagesMax: whole(1, 10_000_000, 'messages')
    .default(1_000_000)
    .describe('Retained verdicts, one per device; beyond it new devices get none.'),
  sendBufferBytesMax: whole(16_384, 268_435_456, 'bytes')
    .default(4_194_304)
    .describe('Unsent bytes of one subscriber; one that reads too slowly is cut off beyond.'),
  drainTimeoutMs: whole(100, 600_000, 'milliseconds')
    .default(10_000)
    .describe('A subscriber whose socket takes nothing for so long is cut off.'),
  pendingTapsMax: whole(1, 1_000_000, 'messages')
    .default(10_000)
    .describe(
      'Messages handed to the detector and not yet taken in, all clients together; QoS 1 waits beyond.',
    ),
  pendingTapsPerClientMax: whole(1, 100_000, 'messages')
    .default(1_000)
    .describe('The same for one client. QoS 0 beyond either limit is not handed over, and counted.'),
  tapTimeoutMs: whole(100, 600_000, 'milliseconds')
    .default(30_000)
    .describe('A message not taken in by then counts as refused: no PUBACK.'),
  failedLoginsPerMinuteMax: whole(1, 100_000, 'log-ins')
    .default(20)
    .describe(
      'Wrong passwords per address and minute; further log-ins from there are refused unchecked (code 3).',
    ),
  passwordChecksMax: whole(1, 64, 'checks')
    .default(2)
    .describe('Passwords hashed at the same time; each takes one core for tens of milliseconds.'),
  logLinesPerMinuteMax: whole(1, 100_000, 'lines')
    .default(10)
    .describe('Log lines per reason and minute; the rest is counted and told in one line.'),
  closeTimeoutMs: whole(100, 600_000, 'milliseconds')
    .default(5_000)
    .describe('Longest time a shutdown may take before every socket is destroyed.'),
});

const TOPICS_RULE =
  'set "scheme" (heartbeats only), "any", or a list such as [{ prefix: zigbee, publish: [gateway], subscribe: [gateway] }]';

const rolesSchema = z
  .array(
    z.enum(CREDENTIAL_ROLES, {
      error: (issue) => `${show(issue.input)} is not a role; known are ${CREDENTIAL_ROLES.join(', ')}`,
    }),
    { error: (issue) => `${show(issue.input)} is not a list of roles` },
  )
  .default([]);

const topicsSchema = z.union(
  [
    z.enum(['scheme', 'any']),
    z.array(
      section({
        prefix: z.string().refine(isRoot, {
          error: (issue) => `${show(issue.input)} is no topic prefix; use whole levels without wildcards`,
        }),
        publish: rolesSchema,
        subscribe: rolesSchema,
      }),
    ),
  ],
  { error: (issue) => `${show(issue.input)} is no choice of topics; ${TOPICS_RULE}` },
);

export const brokerConfigSchema = section({
  tcp: section({
    host: z
      .string({
        error: (issue) =>
          `${show(issue.input)} is not a host; use a name or address, "127.0.0.1" is the default`,
      })
      .min(1, { error: 'is empty; use a name or address, "127.0.0.1" is the default' })
      .default('127.0.0.1')
      .describe('Address to listen on. Other machines reach the broker only when this says so.'),
    port: whole(0, 65_535, 'port').default(1883).describe('TCP port; 0 takes any free one.'),
  }).prefault({}),
  root: z
    .string({
      error: (issue) => `${show(issue.input)} is not a topic prefix; "${DEFAULT_ROOT}" is the default`,
    })
    .refine(isRoot, {
      error: (issue) =>
        `${show(issue.input)} is no topic prefix; use levels without wildcards, blanks or a leading "$", such as "${DEFAULT_ROOT}"`,
    })
    .default(DEFAULT_ROOT)
    .describe('Topic prefix of the heartbeat protocol.'),
  topics: topicsSchema
    .default('scheme')
    .describe(
      'Topics outside the scheme: none (`scheme`), `any`, or a list of `{ prefix, publish: [roles], subscribe: [roles] }`.',
    ),
  access: accessSchema.prefault({ mode: 'open' }),
  limits: limitsSchema.prefault({}),
});

/** As written: everything may be left out. */
export type BrokerConfigInput = z.input<typeof brokerConfigSchema>;
/** As used: every default filled in. */
export type BrokerConfig = z.output<typeof brokerConfigSchema>;
export type BrokerLimits = BrokerConfig['limits'];
export type AccessConfig = BrokerConfig['access'];

/** One line per problem: `broker.limits.connectionsMax: -3 is not …`. */
export function describeConfigProblems(error: z.ZodError, prefix = 'broker'): string[] {
  return error.issues.map((issue) => `${[prefix, ...issue.path.map(String)].join('.')}: ${issue.message}`);
}
