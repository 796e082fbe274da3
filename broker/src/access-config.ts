/** How clients prove who they are, and which topics there are beside the heartbeats. */
import { isRoot } from '@slowbeat/device-sdk/protocol';
import * as z from 'zod';
import { hostOf, isLoopback } from './address.ts';
import { CREDENTIAL_ROLES } from './identity.ts';
import { file, flag, section, show } from './setting.ts';

const MODES = 'set "open" (demo, this machine only) or "users" (with passwords, tokens or certificates)';

const claim = (meaning: string, name: string) =>
  z
    .string({ error: (issue) => `${show(issue.input)} is not the name of a claim` })
    .min(1, { error: 'is empty; name a claim' })
    .default(name)
    .describe(meaning);

const expected = (what: string) =>
  z
    .string({ error: (issue) => `${show(issue.input)} is not ${what}` })
    .min(1, { error: `is empty; name ${what}` });

/** Where keys may be fetched from: whoever answers in between decides who everybody is. */
function isKeyUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const [protocol, host] = [url.protocol, hostOf(url)];
  return protocol === 'https:' || (protocol === 'http:' && (host === 'localhost' || isLoopback(host)));
}

const tokensSchema = section({
  secretFile: file('the shared secret')
    .optional()
    .describe('Tokens signed with a shared secret (HS256, HS384, HS512) of at least 32 bytes in this file.'),
  jwksFile: file('the key set (JWKS)')
    .optional()
    .describe('Tokens signed with a private key; the public keys (JWKS) are in this file.'),
  jwksUrl: z
    .string({ error: (issue) => `${show(issue.input)} is not a URL` })
    .refine(isKeyUrl, {
      error: (issue) => `${show(issue.input)} is no https:// URL (plain http:// only on this machine)`,
    })
    .optional()
    .describe('The same keys from a server, fetched when needed and kept for ten minutes.'),
  issuer: expected('an issuer').optional().describe('Only tokens of this issuer (`iss`).'),
  audience: expected('an audience').optional().describe('Only tokens for this audience (`aud`).'),
  roleClaim: claim('Claim that holds the role; without it the token is a device’s.', 'role'),
  devicesClaim: claim('Claim that holds the devices, as a list or a text with commas.', 'devices'),
}).refine(
  ({ secretFile, jwksFile, jwksUrl }) =>
    [secretFile, jwksFile, jwksUrl].filter((one) => one !== undefined).length === 1,
  { error: 'wants exactly one of secretFile, jwksFile and jwksUrl' },
);

const certificatesSchema = section({
  name: z
    .enum(['cn', 'san'], {
      error: (issue) => `${show(issue.input)} is neither "cn" (common name) nor "san" (first DNS name)`,
    })
    .default('cn')
    .describe(
      'What in the certificate names the client: its common name, or its first alternative DNS name.',
    ),
  unlisted: z
    .enum(['device', 'refuse'], { error: (issue) => `${show(issue.input)} is neither "device" nor "refuse"` })
    .default('device')
    .describe('A name that is not in the credentials file: the device of that name, or nobody.'),
});

export const accessSchema = z.discriminatedUnion(
  'mode',
  [
    section({
      mode: z
        .literal('open')
        .describe('Nobody has to say who they are; for a demo and for this machine only.'),
      allowOpenOnNetwork: flag()
        .default(false)
        .describe(
          'Open mode on an address other machines can reach: anybody there can speak for any device.',
        ),
    }),
    section({
      mode: z.literal('users').describe('Every client proves who it is in one of the ways below.'),
      credentialsFile: file('users')
        .optional()
        .describe('File of users and their passwords, one per line; read again on `reload()`.'),
      tokens: tokensSchema.optional(),
      certificates: certificatesSchema.optional(),
    }).refine(
      ({ credentialsFile, tokens, certificates }) =>
        credentialsFile !== undefined || tokens !== undefined || certificates !== undefined,
      { error: 'names no way to log in; set credentialsFile, tokens or certificates' },
    ),
  ],
  { error: (issue) => `${show((issue.input as { mode?: unknown } | null)?.mode)} is not a mode; ${MODES}` },
);

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

export const topicsSchema = z.union(
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

export type AccessConfig = z.output<typeof accessSchema>;
export type UsersConfig = Extract<AccessConfig, { mode: 'users' }>;
export type TokensConfig = z.output<typeof tokensSchema>;
export type CertificatesConfig = z.output<typeof certificatesSchema>;
