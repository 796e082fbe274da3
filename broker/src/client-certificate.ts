/** What a client showed of itself in the TLS handshake. */
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { certificateId } from './revocation-list.ts';

export interface ClientCertificate {
  readonly commonName: string | undefined;
  /** The first DNS name among its alternative names. */
  readonly alternativeName: string | undefined;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** Why it proves nothing, in OpenSSL's word (`CERT_REVOKED`); undefined when it is in order. */
  readonly problem: string | undefined;
  /** False once the listener's files, read again, revoke it or name other authorities. */
  readonly stillTrusted: () => boolean;
}

/**
 * Undefined when the client showed none. `stillTrusted` is asked about it and the authorities above it, each as lists of
 * revoked certificates name them.
 */
export function clientCertificate(
  socket: TLSSocket,
  stillTrusted: (ids: readonly string[]) => boolean,
): ClientCertificate | undefined {
  const shown = socket.getPeerCertificate(true);
  if (shown?.raw === undefined) return undefined;
  const commonName: unknown = shown.subject?.CN;
  const ids = idsOf(shown);
  const problem = socket.authorized ? undefined : String(socket.authorizationError ?? 'not verified');
  return {
    commonName: typeof commonName === 'string' ? commonName : undefined, // several of them name nobody
    alternativeName: firstDnsName(shown.subjectaltname),
    expiresAt: Date.parse(shown.valid_to),
    problem: problem ?? (ids === undefined ? 'not encoded as certificates are' : undefined),
    stillTrusted: () => ids !== undefined && stillTrusted(ids),
  };
}

/** Of the certificate and of those above it; undefined when one is encoded in a way that only OpenSSL understands. */
function idsOf(shown: DetailedPeerCertificate): string[] | undefined {
  const chain = new Set<DetailedPeerCertificate>(); // a root is its own issuer
  for (let next = shown; next !== undefined && !chain.has(next); next = next.issuerCertificate)
    chain.add(next);
  try {
    return [...chain].map(({ raw }) => certificateId(raw));
  } catch {
    return undefined;
  }
}

/** Node joins alternative names to one text and quotes what could be mistaken for another name: none of those. */
function firstDnsName(text: string | undefined): string | undefined {
  if (text === undefined || text.includes('"')) return undefined;
  return text
    .split(', ')
    .find((name) => name.startsWith('DNS:'))
    ?.slice('DNS:'.length);
}
