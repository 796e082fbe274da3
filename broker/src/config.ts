/**
 * What can be set about the broker: one schema for a YAML section, the environment and code. Each description ends up
 * in the README's table; a test compares the two.
 */
import { DEFAULT_ROOT, isRoot } from '@slowbeat/device-sdk/protocol';
import * as z from 'zod';
import { accessSchema, topicsSchema } from './access-config.ts';
import { limitsSchema } from './limits.ts';
import { listenersShape } from './listener-config.ts';
import { redisSchema } from './redis-config.ts';
import { section, show } from './setting.ts';

export const brokerConfigSchema = section({
  ...listenersShape,
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
  redis: redisSchema.optional(),
  limits: limitsSchema.prefault({}),
});

/** As written: everything may be left out. */
export type BrokerConfigInput = z.input<typeof brokerConfigSchema>;
/** As used: every default filled in. */
export type BrokerConfig = z.output<typeof brokerConfigSchema>;
export type BrokerLimits = BrokerConfig['limits'];
export type { AccessConfig, CertificatesConfig, TokensConfig, UsersConfig } from './access-config.ts';
export {
  type ListenerConfig,
  type ListenerKind,
  type TlsConfig,
  wantedListeners,
} from './listener-config.ts';

/** One line per problem: `broker.limits.connectionsMax: -3 is not …`. */
export function describeConfigProblems(error: z.ZodError, prefix = 'broker'): string[] {
  return error.issues.map((issue) => `${[prefix, ...issue.path.map(String)].join('.')}: ${issue.message}`);
}
