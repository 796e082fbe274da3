/**
 * What MQTT 3.1.1 forbids in a packet of a client, and mqtt-packet lets pass.
 *
 * Its texts are the ones that matter most: broken UTF-8 becomes U+FFFD in the parser, so that afterwards topics that
 * differ on the wire are one, and nobody can tell.
 */
import { isUtf8 } from 'node:buffer';
import { fixedHeaderBytes, PACKET, qosOf, typeOf } from './packet-bytes.ts';

/** MQTT 3.1 and 3.1.1, by protocol name. */
const LEVELS: ReadonlyMap<string, number> = new Map([
  ['MQIsdp', 3],
  ['MQTT', 4],
]);

/** In the level, of a bridge that wants to be told nothing that it said itself: mosquitto's way, which Aedes follows. */
const BRIDGE = 0x80;

/** What is wrong with this packet, whose length is known to be right; undefined for nothing. */
export function faultOf(packet: Buffer): string | undefined {
  const first = packet[0] as number;
  const fields = new Fields(packet.subarray(fixedHeaderBytes(packet, 0)));
  switch (typeOf(first)) {
    case PACKET.connect:
      readConnect(fields);
      break;
    case PACKET.publish:
      readPublish(fields, first);
      break;
    case PACKET.subscribe:
      readFilters(fields, true);
      break;
    case PACKET.unsubscribe:
      readFilters(fields, false);
      break;
    case PACKET.puback:
    case PACKET.pubrec:
    case PACKET.pubrel:
    case PACKET.pubcomp:
      fields.messageId();
  }
  return fields.fault;
}

/**
 * True for a CONNECT of a protocol level that this broker does not speak. It is to be answered with return code 1
 * (section 3.1.2.2).
 */
export function isOfOtherLevel(connect: Buffer): boolean {
  const fields = new Fields(connect.subarray(fixedHeaderBytes(connect, 0)));
  const own = LEVELS.get(fields.text().toString('latin1'));
  const level = fields.byte() & ~BRIDGE;
  return own !== undefined && level !== own && fields.fault === undefined;
}

/** Section 3.1. */
function readConnect(fields: Fields): void {
  fields.text();
  fields.byte(); // the level
  const flags = fields.byte();
  fields.skip(2); // the keepalive
  fields.text(); // the client id
  if ((flags & 0x04) !== 0) {
    if ((flags & 0x18) === 0x18) fields.blame('a will of QoS 3');
    fields.text();
    fields.binary();
  }
  const hasUser = (flags & 0x80) !== 0;
  const hasPassword = (flags & 0x40) !== 0;
  if (hasUser) fields.text();
  else if (hasPassword) fields.blame('a password without a user name');
  if (hasPassword) fields.binary();
  if (fields.left > 0) fields.blame(`${fields.left} bytes too many`);
}

/** Section 3.3. */
function readPublish(fields: Fields, first: number): void {
  fields.text();
  if (qosOf(first) > 0) fields.messageId();
  else if ((first & 8) !== 0) fields.blame('a repetition of QoS 0');
}

/** Sections 3.8 and 3.10. */
function readFilters(fields: Fields, withQos: boolean): void {
  fields.messageId();
  while (fields.left > 0 && fields.fault === undefined) {
    fields.text();
    if (withQos) fields.byte();
  }
}

/** Reads the fields of a packet in turn. After the first fault, which stays, what they say is of no account. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;
  fault: string | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  blame(fault: string): void {
    this.fault ??= fault;
  }

  skip(count: number): void {
    if (count > this.left) this.blame('less than it says');
    this.#at = Math.min(this.#at + count, this.#bytes.length);
  }

  byte(): number {
    const byte = this.#bytes[this.#at] ?? 0;
    this.skip(1);
    return byte;
  }

  /** Zero is nobody's (section 2.3.1). */
  messageId(): void {
    if (this.byte() * 0x100 + this.byte() === 0) this.blame('a message id of 0');
  }

  binary(): Buffer {
    const length = this.byte() * 0x100 + this.byte();
    const begin = this.#at;
    this.skip(length);
    return this.#bytes.subarray(begin, this.#at);
  }

  text(): Buffer {
    const text = this.binary();
    if (!isText(text)) this.blame('a text that is not UTF-8, or holds a NUL');
    return text;
  }
}

/** Section 1.5.3. */
function isText(bytes: Buffer): boolean {
  return isUtf8(bytes) && !bytes.includes(0);
}
