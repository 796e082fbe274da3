/**
 * What is on a certificate revocation list (RFC 5280, section 5.1), to find the connections that a new list ends.
 * Whether a list is genuine and in force is OpenSSL's business, which has it for every handshake.
 *
 * A certificate is known by its issuer and its serial number: two authorities may both have begun to count at one.
 */

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/** One PEM block for each list of a file; OpenSSL is given them one by one. */
export function pemLists(text: string): string[] {
  return text.match(/-----BEGIN X509 CRL-----[\s\S]*?-----END X509 CRL-----/g) ?? [];
}

/** The certificates on a list, each as {@link certificateId} has it. Throws RangeError for what is not a list. */
export function revokedCertificates(pem: string): string[] {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const [list] = elements(der);
  const [signed] = elements(contentOf(list, SEQUENCE));
  // version and signature algorithm, issuer, this update, maybe next update; then the entries, if there are any
  const fields = elements(contentOf(signed, SEQUENCE));
  const isTime = ({ tag }: Element): boolean => tag === UTC_TIME || tag === GENERALIZED_TIME;
  const updated = fields.findIndex(isTime);
  if (updated === -1) throw new RangeError('it names no time of its issue');
  const issuer = fields[updated - 1];
  const entries = fields[fields.findLastIndex(isTime) + 1];
  if (entries?.tag !== SEQUENCE) return [];
  return elements(entries.content).map((entry) => {
    const [serial] = elements(contentOf(entry, SEQUENCE));
    return idOf(issuer, serial);
  });
}

/** Issuer and serial number of a certificate (DER; RFC 5280, section 4.1). Throws RangeError for what is none. */
export function certificateId(der: Buffer): string {
  const [certificate] = elements(der);
  const [signed] = elements(contentOf(certificate, SEQUENCE));
  const fields = elements(contentOf(signed, SEQUENCE));
  // maybe the version; then the serial number, the signature algorithm and the issuer
  const serial = fields.findIndex(({ tag }) => tag === INTEGER);
  return idOf(fields[serial + 2], fields[serial]);
}

/** As its authority encoded both: a list and the certificates it revokes are made by the same one. */
function idOf(issuer: Element | undefined, serial: Element | undefined): string {
  return `${contentOf(issuer, SEQUENCE).toString('hex')} ${contentOf(serial, INTEGER).toString('hex')}`;
}

function contentOf(element: Element | undefined, tag: number): Buffer {
  if (element?.tag !== tag) throw new RangeError('it is not built as it should be');
  return element.content;
}

/** The elements of a DER encoding (X.690), one after the other. */
function elements(der: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < der.length; ) {
    if (at + 2 > der.length) throw new RangeError('it ends too early');
    const tag = der.readUInt8(at);
    const first = der.readUInt8(at + 1);
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    if (lengthBytes > 4) throw new RangeError('an element is too long');
    if (at + 2 + lengthBytes > der.length) throw new RangeError('it ends too early');
    const length = lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes);
    const start = at + 2 + lengthBytes;
    if (start + length > der.length) throw new RangeError('it ends too early');
    found.push({ tag, content: der.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}
