/**
 * Log-in by token: a signed JWT (RFC 7519) as the password. Its subject names the client, claims of it give role and
 * devices, and it has to run out; the user name beside it does not matter.
 */
import { readFile } from 'node:fs/promises';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import type { TokensConfig } from './config.ts';
import { BrokerError, Refusal } from './errors.ts';
import { makeIdentity, type Proof } from './identity.ts';

const SECRET_BYTES_MIN = 32;
const KEY_FETCH_MS_MAX = 5_000;
const KEYS_KEPT_MS = 600_000;

/** Secrets and key pairs never mix: a public key must not be taken for a secret. */
const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];
const KEY_PAIR_ALGORITHMS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'PS384', 'PS512'].concat(
  ['RS256', 'RS384', 'RS512'],
);

interface Keys {
  readonly find: JWTVerifyGetKey;
  readonly algorithms: readonly string[];
}

/** Errors of jose that are not the token's fault. */
const NO_KEYS: ReadonlySet<string> = new Set(['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC']);

export class Tokens {
  readonly #config: TokensConfig;
  readonly #now: () => number;
  #keys: Keys;

  private constructor(config: TokensConfig, now: () => number, keys: Keys) {
    this.#config = config;
    this.#now = now;
    this.#keys = keys;
  }

  /** Throws BrokerError `token-keys-unreadable` or `token-keys-invalid`; keys at a URL are fetched when first needed. */
  static async load(config: TokensConfig, now: () => number): Promise<Tokens> {
    return new Tokens(config, now, await readKeys(config));
  }

  /** Reads the keys again; throws when they are not valid. What is returned puts them in force. */
  async read(): Promise<() => void> {
    const keys = await readKeys(this.#config);
    return () => {
      this.#keys = keys;
    };
  }

  /** Throws a {@link Refusal}: with code 4 when the token is to blame, with 3 when the keys cannot be had. */
  async prove(token: string): Promise<Proof> {
    const { payload } = await this.#verify(token);
    const { roleClaim, devicesClaim } = this.#config;
    const role = payload[roleClaim] ?? 'device';
    const devices = payload[devicesClaim] ?? [];
    const identity = makeIdentity(String(payload.sub), String(role), namesIn(devices));
    if (typeof identity === 'string') throw new Refusal('login-failed', `token: ${identity}`, 4);
    const expiresAt = Number(payload.exp) * 1000;
    return { identity, expiresAt, stillHolds: () => this.#isStillSigned(token) };
  }

  /** Its instant of expiry is watched over elsewhere; here the keys may have changed. */
  async #isStillSigned(token: string): Promise<boolean> {
    try {
      await this.#verify(token);
      return true;
    } catch (error) {
      return error instanceof Refusal && error.returnCode === 3; // keys that cannot be had prove nothing against it
    }
  }

  async #verify(token: string): Promise<{ payload: JWTPayload }> {
    const { issuer, audience } = this.#config;
    const { find, algorithms } = this.#keys;
    try {
      return await jwtVerify(token, find, {
        algorithms: [...algorithms],
        currentDate: new Date(this.#now()),
        requiredClaims: ['sub', 'exp'],
        ...(issuer === undefined ? {} : { issuer }),
        ...(audience === undefined ? {} : { audience }),
      });
    } catch (error) {
      if (error instanceof errors.JOSEError && !NO_KEYS.has(error.code)) {
        throw new Refusal('login-failed', `token: ${error.message}`, 4);
      }
      const why = error instanceof Error ? error.message : String(error);
      throw new Refusal('token-keys-unavailable', why, 3);
    }
  }
}

/** True for what can only be meant as a token: three parts, the first of them naming an algorithm. */
export function looksLikeToken(text: string): boolean {
  if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(text)) return false;
  try {
    return decodeProtectedHeader(text).alg !== undefined;
  } catch {
    return false;
  }
}

function namesIn(claim: unknown): string[] {
  const entries = Array.isArray(claim) ? claim : String(claim).split(',');
  return entries.map(String).filter((entry) => entry !== '');
}

async function readKeys({ secretFile, jwksFile, jwksUrl }: TokensConfig): Promise<Keys> {
  if (jwksUrl !== undefined) {
    const find = createRemoteJWKSet(new URL(jwksUrl), {
      timeoutDuration: KEY_FETCH_MS_MAX,
      cacheMaxAge: KEYS_KEPT_MS,
    });
    return { find, algorithms: KEY_PAIR_ALGORITHMS };
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

function secretKeys(bytes: Buffer, file: string): Keys {
  const secret = Buffer.from(bytes.toString('latin1').replace(/\r?\n$/, ''), 'latin1'); // an editor's last line end
  if (secret.length < SECRET_BYTES_MIN) {
    throw new BrokerError(
      'token-keys-invalid',
      `broker.access.tokens.secretFile: ${file} holds ${secret.length} bytes; a secret needs at least ${SECRET_BYTES_MIN}`,
    );
  }
  return { find: () => secret, algorithms: SECRET_ALGORITHMS };
}

function publicKeys(bytes: Buffer, file: string): Keys {
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
