/** How MQTT 3.1.1 packets lie in bytes: the fixed header of all (section 2.2), and the whole of PUBLISH (section 3.3). */
import { isUtf8 } from 'node:buffer';
import type { PublishPacket } from 'aedes';

/** The packet types that are dealt with one by one. */
export const PACKET = {
  connect: 1,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  unsubscribe: 10,
  pingreq: 12,
  disconnect: 14,
} as const;

const NAMES = new Map<number, string>(Object.entries(PACKET).map(([name, type]) => [type, name]));

/** Bytes that may follow the fixed header, of packets for which MQTT 3.1.1 (sections 3.4 to 3.14) sets a bound. */
const REMAINING: ReadonlyMap<number, readonly [min: number, max: number]> = new Map([
  [PACKET.puback, [2, 2]],
  [PACKET.pubrec, [2, 2]],
  [PACKET.pubrel, [2, 2]],
  [PACKET.pubcomp, [2, 2]],
  [PACKET.subscribe, [5, Number.POSITIVE_INFINITY]], // a message id, and at least one filter with its QoS
  [PACKET.unsubscribe, [4, Number.POSITIVE_INFINITY]],
  [PACKET.pingreq, [0, 0]],
  [PACKET.disconnect, [0, 0]],
]);

const LENGTH_DIGITS_MAX = 4;

export function typeOf(firstByte: number): number {
  return firstByte >> 4;
}

export function nameOf(type: number): string {
  return NAMES.get(type) ?? `packet type ${type}`;
}

/**
 * True when a packet of this type may have so many bytes after its fixed header. mqtt-packet does not ask: of a
 * PUBREL without a message id it makes one with −1, and the answer to that is half a packet.
 */
export function mayRemain(type: number, bytes: number): boolean {
  const bounds = REMAINING.get(type);
  return bounds === undefined || (bytes >= bounds[0] && bytes <= bounds[1]);
}

/** True for a PUBLISH of QoS 0 or 1. */
export function isPlainPublish(firstByte: number): boolean {
  return typeOf(firstByte) === PACKET.publish && qosOf(firstByte) <= 1;
}

export function qosOf(firstByte: number): number {
  return (firstByte >> 1) & 3;
}

/** Bytes of the fixed header that begins at `at`: 0 when it is not all there yet, −1 when its length has no end. */
export function fixedHeaderBytes(bytes: Buffer, at: number): number {
  for (let digit = 1; digit <= LENGTH_DIGITS_MAX; digit += 1) {
    if (at + digit >= bytes.length) return 0;
    if ((bytes[at + digit] as number) < 0x80) return digit + 1;
  }
  return -1;
}

/** What the fixed header at `at` says follows it; the header has to be there. */
export function remainingBytes(bytes: Buffer, at: number): number {
  let remaining = 0;
  for (let digit = 1, weight = 1; ; digit += 1, weight *= 0x80) {
    const byte = bytes[at + digit] as number;
    remaining += (byte & 0x7f) * weight;
    if (byte < 0x80) return remaining;
  }
}

/**
 * The PUBLISH of QoS 0 or 1 that lies in `bytes`; undefined when anything is wrong with it, see `faultOf`. Its payload is
 * a view of these bytes.
 */
export function publishAt(bytes: Buffer, at: number, length: number): PublishPacket | undefined {
  const first = bytes[at] as number;
  const end = at + length;
  const topicAt = at + fixedHeaderBytes(bytes, at) + 2;
  if (topicAt > end) return undefined;
  const topicEnd = topicAt + bytes.readUInt16BE(topicAt - 2);
  const qos = qosOf(first) as 0 | 1;
  const payloadAt = topicEnd + 2 * qos; // a message id has two bytes, and only QoS 1 has one
  if (payloadAt > end) return undefined;
  const topic = bytes.toString('utf8', topicAt, topicEnd);
  // Broken UTF-8 leaves U+FFFD behind, which may have been meant; to look for that in ASCII costs nothing.
  if (topic.includes('\0') || (topic.includes('\ufffd') && !isUtf8(bytes.subarray(topicAt, topicEnd)))) {
    return undefined;
  }
  const dup = (first & 8) === 8;
  // Zero is nobody's (section 2.3.1); packets of one shape are handled faster than those of two.
  const messageId = qos === 0 ? 0 : bytes.readUInt16BE(topicEnd);
  if (qos === 0 ? dup : messageId === 0) return undefined;
  return {
    cmd: 'publish',
    topic,
    payload: bytes.subarray(payloadAt, end),
    qos,
    retain: (first & 1) === 1,
    dup,
    messageId,
  };
}

/** A PUBLISH as it goes over the wire, of QoS 1 when it has a message id; neither retained nor a repetition. */
export function publishBytes(
  { topic, payload }: Pick<PublishPacket, 'topic' | 'payload'>,
  messageId: number,
): Buffer {
  const topicBytes = Buffer.byteLength(topic);
  const remaining = 2 + topicBytes + (messageId > 0 ? 2 : 0) + payload.length;
  const bytes = Buffer.allocUnsafe(1 + digitsOf(remaining) + remaining);
  let at = bytes.writeUInt8((PACKET.publish << 4) | (messageId > 0 ? 2 : 0));
  for (let left = remaining; ; left = Math.floor(left / 0x80)) {
    at = bytes.writeUInt8((left & 0x7f) | (left >= 0x80 ? 0x80 : 0), at);
    if (left < 0x80) break;
  }
  at = bytes.writeUInt16BE(topicBytes, at);
  at += bytes.write(topic, at, 'utf8');
  if (messageId > 0) at = bytes.writeUInt16BE(messageId, at);
  bytes.set(payload as Buffer, at);
  return bytes;
}

function digitsOf(remaining: number): number {
  let digits = 1;
  for (let left = remaining; left >= 0x80; left = Math.floor(left / 0x80)) digits += 1;
  return digits;
}
