/**
 * The PROXY protocol, versions 1 and 2: the few bytes with which a load balancer says for whom it opened a connection.
 * Source: "The PROXY protocol, Versions 1 & 2", HAProxy (proxy-protocol.txt).
 */
import { isIPv4, isIPv6, type Socket } from 'node:net';
import { Refusal } from './errors.ts';

/** `source` is undefined where the proxy speaks for itself (health checks) or does not know. */
export type ProxyHeader =
  | { readonly state: 'complete'; readonly length: number; readonly source: string | undefined }
  | { readonly state: 'incomplete' }
  | { readonly state: 'invalid'; readonly why: string };

const INCOMPLETE: ProxyHeader = { state: 'incomplete' };

const V1_START = Buffer.from('PROXY ');
/** Longest line of version 1, line end included. */
const V1_BYTES_MAX = 107;
const V2_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_FIXED_BYTES = 16;
/** Addresses take 36 bytes at most; what follows them (certificates' names and the like) is skipped. */
const V2_BYTES_MAX = 4_096;

/** Reads a header from the first bytes of a connection. Never throws, whatever the bytes. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsAs(bytes, V1_START)) return parseV1(bytes);
  if (startsAs(bytes, V2_START)) return parseV2(bytes);
  return invalid('it does not begin as one');
}

/** True while the bytes can still become the beginning. */
function startsAs(bytes: Buffer, beginning: Buffer): boolean {
  const length = Math.min(bytes.length, beginning.length);
  return bytes.subarray(0, length).equals(beginning.subarray(0, length));
}

function parseV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_BYTES_MAX).indexOf('\r\n');
  if (end === -1) return bytes.length >= V1_BYTES_MAX ? invalid('the line does not end') : INCOMPLETE;
  const [, family, source = '', destination = '', ...ports] = bytes.toString('latin1', 0, end).split(' ');
  const length = end + 2;
  if (family === 'UNKNOWN') return { state: 'complete', length, source: undefined };
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : undefined;
  if (isAddress === undefined) return invalid('neither TCP4, TCP6 nor UNKNOWN');
  if (!isAddress(source) || !isAddress(destination)) return invalid('an address of the wrong family');
  if (ports.length !== 2 || !ports.every(isPort)) return invalid('a port that is none');
  return { state: 'complete', length, source };
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function parseV2(bytes: Buffer): ProxyHeader {
  if (bytes.length < V2_FIXED_BYTES) return INCOMPLETE;
  const [command, family, addressBytes] = [bytes.readUInt8(12), bytes.readUInt8(13), bytes.readUInt16BE(14)];
  if (command !== 0x20 && command !== 0x21) return invalid('neither LOCAL nor PROXY of version 2');
  const length = V2_FIXED_BYTES + addressBytes;
  if (length > V2_BYTES_MAX) return invalid(`${length} bytes; at most ${V2_BYTES_MAX}`);
  if (bytes.length < length) return INCOMPLETE;
  const addresses = bytes.subarray(V2_FIXED_BYTES, length);
  if (command === 0x20 || family === 0x00) return { state: 'complete', length, source: undefined };
  if (family === 0x11 && addresses.length >= 12) {
    return { state: 'complete', length, source: addresses.subarray(0, 4).join('.') };
  }
  if (family === 0x21 && addresses.length >= 36) {
    const groups = Array.from({ length: 8 }, (_, group) => addresses.readUInt16BE(2 * group).toString(16));
    return { state: 'complete', length, source: groups.join(':') };
  }
  return invalid('neither TCP over IPv4 nor over IPv6, or too short for it');
}

function invalid(why: string): ProxyHeader {
  return { state: 'invalid', why };
}

/**
 * Takes the header off a socket that nobody has read yet, and leaves all that follows it. Resolves with the source
 * address, undefined where the proxy speaks for itself; rejects with a {@link Refusal} for anything else.
 */
export function readProxyHeader(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    const done = (): void => {
      socket.off('readable', take);
      socket.off('close', closed);
    };
    const closed = (): void => {
      done();
      reject(new Refusal('proxy-header', 'the connection ended before it'));
    };
    const take = (): void => {
      for (;;) {
        const chunk: Buffer | null = socket.read();
        if (chunk === null) return;
        bytes = Buffer.concat([bytes, chunk]);
        const header = parseProxyHeader(bytes);
        if (header.state === 'incomplete') continue;
        done();
        if (header.state === 'invalid') {
          reject(new Refusal('proxy-header', header.why));
          return;
        }
        if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length));
        resolve(header.source);
        return;
      }
    };
    socket.on('readable', take);
    socket.once('close', closed);
  });
}
