/** Who a client is: by its certificate, its token, or its name and password; and how often it may guess. */
import { isDeepStrictEqual } from 'node:util';
import { isName } from '@slowbeat/device-sdk/protocol';
import { partyOf } from './address.ts';
import type { ClientCertificate } from './client-certificate.ts';
import type { AccessConfig, BrokerLimits, CertificatesConfig } from './config.ts';
import { Credentials } from './credentials.ts';
import { Refusal } from './errors.ts';
import { ANONYMOUS, type Identity, makeIdentity, type Proof } from './identity.ts';
import { PacedParties } from './paced-parties.ts';
import { looksLikeToken, Tokens } from './tokens.ts';

/** What a client says of itself in its CONNECT, and what its connection showed before. */
export interface Claim {
  readonly address: string;
  readonly certificate: ClientCertificate | undefined;
  readonly name: string | undefined;
  readonly password: Buffer | undefined;
}

export interface IdentificationParts {
  readonly credentials: Credentials | undefined;
  readonly tokens: Tokens | undefined;
  readonly certificates: CertificatesConfig | undefined;
}

export class Identification {
  readonly #isOpen: boolean;
  readonly #parts: IdentificationParts;
  readonly #now: () => number;
  readonly #failedByAddress: PacedParties;
  readonly #failedByName: PacedParties;

  private constructor(isOpen: boolean, parts: IdentificationParts, limits: BrokerLimits, now: () => number) {
    this.#isOpen = isOpen;
    this.#parts = parts;
    this.#now = now;
    const { failedLoginsPerMinuteMax: perAddress, failedLoginsPerNamePerMinuteMax: perName } = limits;
    this.#failedByAddress = new PacedParties(perAddress / 60, perAddress);
    this.#failedByName = new PacedParties(perName / 60, perName);
  }

  /** Throws the BrokerError of the file that is not in order. */
  static async load(access: AccessConfig, limits: BrokerLimits, now: () => number): Promise<Identification> {
    if (access.mode === 'open') {
      return new Identification(
        true,
        { credentials: undefined, tokens: undefined, certificates: undefined },
        limits,
        now,
      );
    }
    const { credentialsFile, tokens, certificates } = access;
    const parts = {
      credentials: credentialsFile && (await Credentials.load(credentialsFile, limits.passwordChecksMax)),
      tokens: tokens && (await Tokens.load(tokens, now)),
      certificates,
    };
    return new Identification(false, { ...parts, credentials: parts.credentials || undefined }, limits, now);
  }

  /**
   * Reads all files again; throws when one is not valid. What is returned puts them in force together. `onAway` is told
   * when keys of tokens cannot be had from their server.
   */
  async read(onAway: (why: string) => void): Promise<() => void> {
    const { credentials, tokens } = this.#parts;
    const uses = await Promise.all([credentials?.read(), tokens?.read(onAway)]);
    return () => {
      for (const use of uses) use?.();
    };
  }

  /**
   * Whose session this is, as far as it is known without a log-in; undefined when it can be nobody's. Who shows a token
   * is in no file.
   */
  ownerOf(clientId: string): Identity | 'to-be-proved' | undefined {
    if (this.#isOpen) return ANONYMOUS;
    const [name = '', ...rest] = clientId.split('/');
    if (rest.length === 0) return undefined; // of a time in open mode
    const { credentials, tokens } = this.#parts;
    return credentials?.identityOf(name) ?? (tokens && 'to-be-proved');
  }

  /** Throws a {@link Refusal} with the return code of the CONNACK. */
  async identify(claim: Claim): Promise<Proof> {
    if (this.#isOpen) return { identity: ANONYMOUS, expiresAt: undefined, stillHolds: () => true };
    const { credentials, tokens, certificates } = this.#parts;
    const { certificate, name = '', password } = claim;
    if (certificate !== undefined && certificates !== undefined) {
      return this.#byCertificate(certificate, certificates);
    }
    if (password !== undefined && tokens !== undefined) {
      const text = password.toString('latin1');
      if (looksLikeToken(text)) return this.#byToken(claim, tokens, text);
    }
    if (password !== undefined && name !== '' && credentials !== undefined) {
      return this.#byPassword(claim, credentials, name, password);
    }
    if (password !== undefined && tokens !== undefined) throw this.#guessedWrong(claim, 'no token');
    const ways = [
      credentials && 'a user name and a password',
      tokens && 'a token as password',
      certificates && 'a client certificate',
    ].filter((way) => way !== undefined);
    throw new Refusal('login-missing', `this broker wants ${ways.join(', or ')}`, 5);
  }

  #byCertificate(certificate: ClientCertificate, config: CertificatesConfig): Proof {
    const refuse = (why: string): never => {
      throw new Refusal('certificate-refused', why, 5);
    };
    const { problem, expiresAt, commonName, alternativeName } = certificate;
    if (problem !== undefined) refuse(problem);
    if (!certificate.stillTrusted()) refuse('revoked since its handshake');
    if (!(expiresAt > this.#now())) refuse('it has run out');
    const name = config.name === 'cn' ? commonName : alternativeName;
    const identity = this.#ofCertificate(name, config);
    if (typeof identity === 'string') return refuse(identity);
    const stillHolds = (): boolean =>
      certificate.stillTrusted() && isDeepStrictEqual(this.#ofCertificate(name, config), identity);
    return { identity, expiresAt, stillHolds };
  }

  #ofCertificate(name: string | undefined, { unlisted }: CertificatesConfig): Identity | string {
    if (name === undefined) return 'it names nobody, or several';
    const listed = this.#parts.credentials?.identityOf(name);
    if (listed !== undefined) return listed;
    return unlisted === 'device'
      ? makeIdentity(name, 'device', [])
      : `"${name}" is not in the credentials file`;
  }

  /**
   * Checked however often it was tried before: a signature costs next to nothing, and nobody guesses one. So whoever has
   * a token gets in, whatever others do from behind the same address or in the same name.
   */
  async #byToken(claim: Claim, tokens: Tokens, token: string): Promise<Proof> {
    try {
      return await tokens.prove(token);
    } catch (error) {
      if (error instanceof Refusal && error.reason === 'login-failed')
        throw this.#guessedWrong(claim, error.message);
      throw error;
    }
  }

  async #byPassword(claim: Claim, credentials: Credentials, name: string, password: Buffer): Promise<Proof> {
    const known = credentials.recall(name, password);
    if (known !== undefined) return this.#proofOf(known, credentials);
    // Asked again when its turn has come: guesses that queued up need not all be answered.
    const verification = await credentials.verify(name, password, () => !this.#isGuessing(claim));
    if (verification === 'unwanted') throw new Refusal('login-limited', `as user "${name}", not checked`, 3);
    if (verification === 'overload') throw new Refusal('login-overload', 'not checked', 3);
    if (verification === 'wrong') throw this.#guessedWrong(claim, `as user "${name}"`);
    return this.#proofOf(verification.identity, credentials);
  }

  #proofOf(identity: Identity, credentials: Credentials): Proof {
    const stillHolds = (): boolean => credentials.identityOf(identity.name) === identity;
    return { identity, expiresAt: undefined, stillHolds };
  }

  #isGuessing({ address, name = '' }: Claim): boolean {
    const at = this.#now();
    return (
      this.#failedByAddress.isExhausted(partyOf(address), at) || this.#failedByName.isExhausted(name, at)
    );
  }

  /** Counts it; returns what to tell. */
  #guessedWrong(claim: Claim, why: string): Refusal {
    if (this.#isGuessing(claim)) return new Refusal('login-limited', why, 3);
    const { address, name = '' } = claim;
    const at = this.#now();
    this.#failedByAddress.take(partyOf(address), at);
    if (isName(name)) this.#failedByName.take(name, at); // else it is nobody's, and as long as its author likes
    return new Refusal('login-failed', why, 4);
  }
}
