/** What a client showed of itself in the TLS handshake. */
import type { TLSSocket } from 'node:tls';

export interface ClientCertificate {
  readonly commonName: string | undefined;
  /** The first DNS name among its alternative names. */
  readonly alternativeName: string | undefined;
  /** Hexadecimal, in capitals. */
  readonly serial: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** Why it proves nothing, in OpenSSL's word (`CERT_REVOKED`); undefined when it is in order. */
  readonly problem: string | undefined;
  /** False once the listener's files, read again, revoke it or name other authorities. */
  readonly stillTrusted: () => boolean;
}

/** Undefined when the client showed none. */
export function clientCertificate(
  socket: TLSSocket,
  stillTrusted: (serial: string) => boolean,
): ClientCertificate | undefined {
  const shown = socket.getPeerCertificate();
  const serial: string | undefined = shown?.serialNumber;
  if (serial === undefined) return undefined;
  const commonName: unknown = shown.subject?.CN;
  return {
    commonName: typeof commonName === 'string' ? commonName : undefined, // several of them name nobody
    alternativeName: firstDnsName(shown.subjectaltname),
    serial,
    expiresAt: Date.parse(shown.valid_to),
    problem: socket.authorized ? undefined : String(socket.authorizationError ?? 'not verified'),
    stillTrusted: () => stillTrusted(serial),
  };
}

/** Node joins alternative names to one text and quotes what could be mistaken for another name: none of those. */
function firstDnsName(text: string | undefined): string | undefined {
  if (text === undefined || text.includes('"')) return undefined;
  return text
    .split(', ')
    .find((name) => name.startsWith('DNS:'))
    ?.slice('DNS:'.length);
}
