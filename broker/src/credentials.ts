/**
 * Users and their passwords, from a file of one line per user:
 *
 *     # name : role : password hash            : devices (gateways; a device may pin its class)
 *     d1:device:$scrypt$ln=14,r=8,p=1$…$…:meter/d1
 *     line-3:gateway:$scrypt$…:meter/line-3-*,valve/*
 *     watch:detector:$scrypt$…
 *     line-4:gateway:certificate:meter/line-4-*
 *
 * The word `certificate` in place of a hash is for who has no password and shows a client certificate of that name.
 *
 * Hashes are scrypt (RFC 7914) in the PHC string format. Checking one takes a core for tens of milliseconds on
 * purpose, so few run at once, and a password that was right is remembered as a keyed digest: a fleet that comes
 * back after an outage is not hashed again.
 */
import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { BrokerError } from './errors.ts';
import { type CREDENTIAL_ROLES, type Identity, makeIdentity } from './identity.ts';

type CredentialRole = (typeof CREDENTIAL_ROLES)[number];

export interface User {
  readonly identity: Identity;
  /** PHC string, or {@link CERTIFICATE_ONLY}. */
  readonly hash: string;
}

/** `overload`: too many checks are waiting. `unwanted`: called off before it was checked. */
export type Verification = { readonly identity: Identity } | 'wrong' | 'overload' | 'unwanted';

const CERTIFICATE_ONLY = 'certificate';
const CHECKS_WAITING_MAX = 1_000;
const PASSWORD_BYTES_MAX = 1_024;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** 2^14 rounds with r = 8 use 16 MB and about 50 ms. */
const DEFAULT_COST_LOG2 = 14;
const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43,86})$/;

interface ScryptHash {
  readonly costLog2: number;
  readonly blockSize: number;
  readonly parallel: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** Hashes a password for the file. `costLog2` 10 to 18: each step doubles time and memory of a check. */
export async function hashPassword(password: string, costLog2: number = DEFAULT_COST_LOG2): Promise<string> {
  if (password.length === 0) throw new RangeError('an empty password protects nothing');
  if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX) {
    throw new RangeError(`a password has at most ${PASSWORD_BYTES_MAX} bytes`);
  }
  const parameters = { costLog2, blockSize: 8, parallel: 1, salt: randomBytes(SALT_BYTES) };
  const key = await derive(Buffer.from(password), { ...parameters, key: Buffer.alloc(HASH_BYTES) });
  const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
  return `$scrypt$ln=${costLog2},r=8,p=1$${base64(parameters.salt)}$${base64(key)}`;
}

/** One line of the file, without the line end. Throws RangeError when a part does not fit the format. */
export function formatUser(
  name: string,
  role: CredentialRole,
  hash: string,
  devices: readonly string[] = [],
): string {
  const identity = makeIdentity(name, role, devices); // before a colon in the name can pass for the end of it
  if (typeof identity === 'string') throw new RangeError(identity);
  const line = [name, role, hash, ...(devices.length > 0 ? [devices.join(',')] : [])].join(':');
  const user = parseUser(line);
  if (typeof user === 'string') throw new RangeError(user);
  return line;
}

/** Reads the whole file's text. Throws BrokerError `credentials-invalid` naming the line and never its hash. */
export function parseUsers(text: string, file: string): Map<string, User> {
  const users = new Map<string, User>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const user = parseUser(line);
    const problem =
      typeof user === 'string' ? user : users.has(user.identity.name) ? 'a second line for the user' : '';
    if (typeof user === 'string' || problem !== '') {
      throw new BrokerError('credentials-invalid', `${file}, line ${index + 1}: ${problem}`);
    }
    users.set(user.identity.name, user);
  }
  return users;
}

function parseUser(line: string): User | string {
  const [name = '', role = '', hash = '', devices = '', ...rest] = line.split(':');
  if (rest.length > 0) return 'more than four parts; write name:role:hash or name:role:hash:devices';
  const identity = makeIdentity(
    name,
    role,
    devices.split(',').filter((part) => part !== ''),
  );
  if (typeof identity === 'string') return identity;
  if (hash !== CERTIFICATE_ONLY && parsePhc(hash) === undefined) {
    return 'the hash is not a scrypt hash of this broker; make one anew';
  }
  return { identity, hash };
}

function parsePhc(text: string): ScryptHash | undefined {
  const parts = PHC.exec(text);
  if (parts === null) return undefined;
  const [costLog2, blockSize, parallel] = parts.slice(1, 4).map(Number) as [number, number, number];
  if (costLog2 < 10 || costLog2 > 18 || blockSize < 1 || blockSize > 16 || parallel < 1 || parallel > 4) {
    return undefined;
  }
  const [salt, key] = parts.slice(4).map((part) => Buffer.from(part, 'base64')) as [Buffer, Buffer];
  return { costLog2, blockSize, parallel, salt, key };
}

function derive(password: Buffer, { costLog2, blockSize, parallel, salt, key }: ScryptHash): Promise<Buffer> {
  const cost = 2 ** costLog2;
  const options = { N: cost, r: blockSize, p: parallel, maxmem: 256 * cost * blockSize + 2 ** 20 };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, key.length, options, (error, derived) =>
      error === null ? resolve(derived) : reject(error),
    );
  });
}

/** The users of one file, kept in memory until {@link Credentials.reload}. */
export class Credentials {
  readonly #file: string;
  readonly #checksMax: number;
  readonly #digestKey = randomBytes(32);
  /** Passwords that were right: user → the hash they were checked against and a digest of them. */
  readonly #remembered = new Map<string, { hash: string; digest: Buffer }>();
  #users: ReadonlyMap<string, User> = new Map();
  /** Of all users that have a password. */
  #hashes: readonly string[] = [];
  #running = 0;
  readonly #queue: (() => void)[] = [];
  private constructor(file: string, checksMax: number, users: ReadonlyMap<string, User>) {
    this.#file = file;
    this.#checksMax = checksMax;
    this.#know(users);
  }

  /** Throws BrokerError `credentials-unreadable` or `credentials-invalid`. */
  static async load(file: string, checksMax: number): Promise<Credentials> {
    return new Credentials(file, checksMax, await readUsers(file));
  }

  /** Reads the file's present content; throws when it is not valid. What is returned puts it in force. */
  async read(): Promise<() => void> {
    const users = await readUsers(this.#file);
    return () => this.#use(users);
  }

  #use(users: Map<string, User>): void {
    for (const [name, user] of users) {
      const before = this.#users.get(name);
      if (before !== undefined && isDeepStrictEqual(before, user)) users.set(name, before);
    }
    this.#know(users);
    for (const [name, { hash }] of this.#remembered) {
      if (this.#users.get(name)?.hash !== hash) this.#remembered.delete(name);
    }
  }

  #know(users: ReadonlyMap<string, User>): void {
    this.#users = users;
    this.#hashes = [...users.values()].map(({ hash }) => hash).filter((hash) => hash !== CERTIFICATE_ONLY);
  }

  /** The rights of a user; the same object until they, or the password, are changed. */
  identityOf(name: string): Identity | undefined {
    return this.#users.get(name)?.identity;
  }

  /** Who it is when this password was right before; costs next to nothing. */
  recall(name: string, password: Buffer): Identity | undefined {
    const user = this.#users.get(name);
    const remembered = this.#remembered.get(name);
    if (user === undefined || remembered === undefined || remembered.hash !== user.hash) return undefined;
    return timingSafeEqual(remembered.digest, this.#digest(password)) ? user.identity : undefined;
  }

  /** `stillWanted` is asked when the check's turn has come: guesses that queued up need not all be answered. */
  async verify(name: string, password: Buffer, stillWanted: () => boolean): Promise<Verification> {
    if (password.length > PASSWORD_BYTES_MAX) return 'wrong';
    if (this.#running >= this.#checksMax) {
      if (this.#queue.length >= CHECKS_WAITING_MAX) return 'overload';
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      return stillWanted() ? await this.#check(name, password) : 'unwanted';
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  async #check(name: string, password: Buffer): Promise<Verification> {
    const user = this.#users.get(name);
    const expected = (user === undefined ? undefined : parsePhc(user.hash)) ?? this.#decoyFor(name);
    const right = timingSafeEqual(await derive(password, expected), expected.key);
    if (!right || user === undefined) return 'wrong';
    this.#remembered.set(name, { hash: user.hash, digest: this.#digest(password) });
    return { identity: user.identity };
  }

  /**
   * What is checked for who has no password here: nobody's, and at the cost of some user's, the same one for a name each
   * time, so that the time taken does not tell who exists.
   */
  #decoyFor(name: string): ScryptHash {
    const chance = this.#digest(Buffer.from(name)).readUInt32BE();
    const like = parsePhc(this.#hashes[chance % this.#hashes.length] ?? '');
    const { costLog2 = DEFAULT_COST_LOG2, blockSize = 8, parallel = 1 } = like ?? {};
    return { costLog2, blockSize, parallel, salt: randomBytes(SALT_BYTES), key: randomBytes(HASH_BYTES) };
  }

  #digest(text: Buffer): Buffer {
    return createHmac('sha256', this.#digestKey).update(text).digest();
  }
}

/** The users of a file by name. Throws BrokerError `credentials-unreadable` or `credentials-invalid`. */
export async function readUsers(file: string): Promise<Map<string, User>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BrokerError('credentials-unreadable', `broker.access.credentialsFile: ${why}`, { cause });
  }
  return parseUsers(text, file);
}
