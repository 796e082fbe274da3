/** Certificate, key, authorities and revocation lists of a listener, read from their files. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsConfig } from './config.ts';
import { BrokerError } from './errors.ts';
import { pemLists, revokedCertificates } from './revocation-list.ts';

export interface TlsFiles {
  readonly context: SecureContextOptions;
  /** The authorities of clients as text; undefined when clients are not asked for certificates. */
  readonly clientCa: string | undefined;
  /** Certificates by issuer and serial number. */
  readonly revoked: ReadonlySet<string>;
}

/** Throws BrokerError `certificate-unreadable` or `certificate-invalid` naming the setting and the file. */
export async function readTlsFiles(config: TlsConfig, section: string): Promise<TlsFiles> {
  const { certFile, keyFile, clientCaFile, clientCrlFile } = config;
  const [cert, key] = [
    await text(certFile, `${section}.certFile`),
    await text(keyFile, `${section}.keyFile`),
  ];
  const clientCa = clientCaFile && (await text(clientCaFile, `${section}.clientCaFile`));
  const lists = clientCrlFile && pemLists(await text(clientCrlFile, `${section}.clientCrlFile`));
  if (lists?.length === 0) throw invalid(`${section}.clientCrlFile`, 'no revocation list (PEM) is in it');
  const context: SecureContextOptions = {
    cert,
    key,
    minVersion: 'TLSv1.2',
    ...(clientCa ? { ca: clientCa } : {}),
    ...(lists ? { crl: lists } : {}),
  };
  checked(`${section}.certFile`, () => new X509Certificate(cert));
  if (clientCa) checked(`${section}.clientCaFile`, () => new X509Certificate(clientCa));
  const revoked = checked(
    `${section}.clientCrlFile`,
    () => new Set(lists ? lists.flatMap(revokedCertificates) : []),
  );
  checked(`${section}.keyFile`, () => createSecureContext(context));
  return { context, clientCa: clientCa || undefined, revoked };
}

async function text(file: string, setting: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BrokerError('certificate-unreadable', `broker.${setting}: ${why}`, { cause });
  }
}

function checked<T>(setting: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw invalid(setting, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function invalid(setting: string, why: string, cause?: unknown): BrokerError {
  return new BrokerError('certificate-invalid', `broker.${setting}: ${why}`, { cause });
}
