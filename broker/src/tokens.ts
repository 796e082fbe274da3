/**
 * Log-in by token: a signed JWT (RFC 7519) as the password. Its subject names the client, claims of it give role and
 * devices, and it has to run out; the user name beside it does not matter.
 */
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { TokensConfig } from './config.ts';
import { Refusal } from './errors.ts';
import { type Identity, makeIdentity, type Proof } from './identity.ts';
import { readTokenKeys, type TokenKeys } from './token-keys.ts';

/** Errors of jose that are not the token's fault. */
const NO_KEYS: ReadonlySet<string> = new Set(['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC']);

export class Tokens {
  readonly #config: TokensConfig;
  readonly #now: () => number;
  #keys: TokenKeys;

  private constructor(config: TokensConfig, now: () => number, keys: TokenKeys) {
    this.#config = config;
    this.#now = now;
    this.#keys = keys;
  }

  /** Throws BrokerError `token-keys-unreadable` or `token-keys-invalid`; keys at a URL are fetched when first needed. */
  static async load(config: TokensConfig, now: () => number): Promise<Tokens> {
    return new Tokens(config, now, await readTokenKeys(config));
  }

  /**
   * Reads the keys again; throws when they are not valid. What is returned puts them in force. When they are at a URL
   * and cannot be had, those that are known stay in force, and `onAway` is told why.
   */
  async read(onAway: (why: string) => void): Promise<() => void> {
    const keys = await readTokenKeys(this.#config);
    try {
      await keys.fetch?.();
    } catch (error) {
      onAway(error instanceof Error ? error.message : String(error));
      return () => {};
    }
    return () => {
      this.#keys = keys;
    };
  }

  /** Throws a {@link Refusal}: with code 4 when the token is to blame, with 3 when the keys cannot be had. */
  async prove(token: string): Promise<Proof> {
    const { payload } = await this.#verify(token);
    const { roleClaim, devicesClaim } = this.#config;
    const { sub, [roleClaim]: role = 'device', [devicesClaim]: devices = [] } = payload;
    const identity = identityOf(sub, role, devices);
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

/** A text when the claims do not fit together. */
function identityOf(sub: unknown, role: unknown, devices: unknown): Identity | string {
  const names = typeof devices === 'string' ? devices.split(',') : devices;
  if (typeof sub !== 'string' || typeof role !== 'string') return 'its subject or role is no text';
  if (!Array.isArray(names) || !names.every((one) => typeof one === 'string'))
    return 'its devices are no texts';
  return makeIdentity(
    sub,
    role,
    names.filter((entry) => entry !== ''),
  );
}
