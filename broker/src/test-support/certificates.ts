/** A certificate authority for tests, and what it issues, as files. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

export interface Issued {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly serial: string;
}

export interface Wish {
  readonly dns?: string;
  readonly notAfter?: Date;
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, [
    'sign',
    'verify',
  ]) as Promise<webcrypto.CryptoKeyPair>;
}

export class TestAuthority implements AsyncDisposable {
  readonly caFile: string;
  readonly ca: string;
  readonly directory: string;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #name: string;
  /** Of its own certificate. */
  readonly serial: string;
  #serial = 0x10;

  private constructor(directory: string, ca: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.directory = directory;
    this.caFile = join(directory, 'ca.pem');
    this.ca = ca.toString('pem');
    this.#keys = keys;
    this.#name = ca.subject;
    this.serial = ca.serialNumber;
  }

  /** A root, or an authority below `above`. */
  static async create(name = 'CN=Test Authority', above?: TestAuthority): Promise<TestAuthority> {
    const keys = await newKeys();
    const ca = await x509.X509CertificateGenerator.create({
      serialNumber: above === undefined ? '01' : above.#nextSerial(),
      subject: name,
      issuer: above === undefined ? name : above.#name,
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + DAY_MS),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: (above === undefined ? keys : above.#keys).privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    });
    const authority = new TestAuthority(await mkdtemp(join(tmpdir(), 'slowbeat-certificates-')), ca, keys);
    await writeFile(authority.caFile, authority.ca);
    return authority;
  }

  async issue(subject: string, { dns, notAfter }: Wish = {}): Promise<Issued> {
    const keys = await newKeys();
    const serial = this.#nextSerial();
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial,
      subject,
      issuer: this.#name,
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: notAfter ?? new Date(Date.now() + DAY_MS),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions:
        dns === undefined ? [] : [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: dns }])],
    });
    const cert = certificate.toString('pem');
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    const key = x509.PemConverter.encode(pkcs8, 'PRIVATE KEY');
    const certFile = join(this.directory, `${serial}.pem`);
    const keyFile = join(this.directory, `${serial}.key`);
    await writeFile(certFile, cert);
    await writeFile(keyFile, key);
    return { cert, key, certFile, keyFile, serial };
  }

  #nextSerial(): string {
    this.#serial += 1;
    return this.#serial.toString(16).toUpperCase();
  }

  /** Writes the list of everything revoked so far and returns its file. */
  async revoke(...serials: string[]): Promise<string> {
    const list = await x509.X509CrlGenerator.create({
      issuer: this.#name,
      thisUpdate: new Date(Date.now() - DAY_MS),
      nextUpdate: new Date(Date.now() + DAY_MS),
      entries: serials.map((serialNumber) => ({ serialNumber, revocationDate: new Date() })),
      signingAlgorithm: ALGORITHM,
      signingKey: this.#keys.privateKey,
    });
    const file = join(this.directory, 'crl.pem');
    await writeFile(file, x509.PemConverter.encode(list.rawData, 'X509 CRL'));
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true });
  }
}
