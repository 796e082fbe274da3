/**
 * Which version of MQTT a CONNECT is of (MQTT 3.1.1, section 3.1.2).
 *
 * Whatever the version, a client that is not served here is to be told so by CONNACK 1 [MQTT-3.1.2-2]. mqtt-packet reads
 * three versions and breaks off at any other, and at what is MQTT 5 by its number only; Aedes answers what it was given.
 */
import { fixedHeaderBytes } from './packet-bytes.ts';

const NAMES: ReadonlySet<string> = new Set(['MQTT', 'MQIsdp']);
/** MQTT 3.1 and 3.1.1. */
const LEVELS: ReadonlySet<number> = new Set([3, 4]);
/** Set by bridges, which mqtt-packet knows. */
const BRIDGE = 0x80;

/** A CONNECT of MQTT 5, which is refused as it should be: for any other that is not served. */
export const UNSERVED_CONNECT = Buffer.from('100d00044d5154540502003c000000', 'hex');

/** False for a CONNECT, of which all bytes are there, that can be read and is of another version. */
export function isServedVersion(connect: Buffer): boolean {
  const nameAt = fixedHeaderBytes(connect, 0) + 2;
  if (nameAt > connect.length) return true; // what is no CONNECT is the parser's business
  const levelAt = nameAt + connect.readUInt16BE(nameAt - 2);
  const level = connect[levelAt];
  if (level === undefined || !NAMES.has(connect.toString('latin1', nameAt, levelAt))) return true;
  return LEVELS.has(level & ~BRIDGE);
}
