/** Keys that tokens are signed with: a shared secret, or a key set (JWKS, RFC 7517) in a file or at a server. */
import { readFile } from 'node:fs/promises';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';
import type { TokensConfig } from './config.ts';
import { BrokerError } from './errors.ts';

const SECRET_BYTES_MIN = 32;
const KEY_FETCH_MS_MAX = 5_000;
const KEYS_KEPT_MS = 600_000;
/** A key takes half a kilobyte, and there are a handful. */
const KEY_SET_BYTES_MAX = 262_144;

/** Secrets and key pairs never mix: a public key must not be taken for a secret. */
const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];
const KEY_PAIR_ALGORITHMS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'PS384', 'PS512'].concat(
  ['RS256', 'RS384', 'RS512'],
);

export interface TokenKeys {
  readonly find: JWTVerifyGetKey;
  readonly algorithms: readonly string[];
  /** Fetches them now and not only when they are needed; there for keys at a URL. Rejects when they cannot be had. */
  readonly fetch?: () => Promise<void>;
}

/** Throws BrokerError `token-keys-unreadable` or `token-keys-invalid`; keys at a URL are not fetched yet. */
export async function readTokenKeys({ secretFile, jwksFile, jwksUrl }: TokensConfig): Promise<TokenKeys> {
  if (jwksUrl !== undefined) {
    const find = createRemoteJWKSet(new URL(jwksUrl), {
      timeoutDuration: KEY_FETCH_MS_MAX,
      cacheMaxAge: KEYS_KEPT_MS,
      [customFetch]: fetchWithinBounds,
    });
    return { find, algorithms: KEY_PAIR_ALGORITHMS, fetch: () => find.reload() };
  }
  const file = jwksFile ?? secretFile ?? '';
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BrokerError('token-keys-unreadable', `broker.access.tokens: ${why}`, { cause });
  }
  return jwksFile === undefined ? secretKeys(bytes, file) : publicKeys(bytes, file);
}

function secretKeys(bytes: Buffer, file: string): TokenKeys {
  const secret = Buffer.from(bytes.toString('latin1').replace(/\r?\n$/, ''), 'latin1'); // an editor's last line end
  if (secret.length < SECRET_BYTES_MIN) {
    throw new BrokerError(
      'token-keys-invalid',
      `broker.access.tokens.secretFile: ${file} holds ${secret.length} bytes; a secret needs at least ${SECRET_BYTES_MIN}`,
    );
  }
  return { find: () => secret, algorithms: SECRET_ALGORITHMS };
}

function publicKeys(bytes: Buffer, file: string): TokenKeys {
  try {
    const set = JSON.parse(bytes.toString('utf8')) as JSONWebKeySet;
    if (set.keys?.some((key) => key.kty === 'oct' || key.d !== undefined)) {
      throw new Error('a secret or private key is in it; it wants public keys only');
    }
    return { find: createLocalJWKSet(set), algorithms: KEY_PAIR_ALGORITHMS };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `broker.access.tokens.jwksFile: ${file} is no key set (JWKS): ${why}`;
    throw new BrokerError('token-keys-invalid', message, { cause });
  }
}

/** Whoever answers in the place of that server shall not fill the memory. */
const fetchWithinBounds: FetchImplementation = async (url, options) => {
  const response = await fetch(url, options);
  if (response.status !== 200) {
    await response.body?.cancel();
    return response;
  }
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > KEY_SET_BYTES_MAX) throw new errors.JWKSInvalid(`more than ${KEY_SET_BYTES_MAX} bytes`);
    pieces.push(piece);
  }
  return new Response(Buffer.concat(pieces));
};
