/** Taking lines apart as bytes, only as far as finding them again needs. */
import { escapeTag } from './line-protocol.ts';

export const COMMA = 44;
export const SPACE = 32;
const BACKSLASH = 92;
const MINUS = 45;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const DEVICE = Buffer.from('device_');

/** Where the key of a line ends, and its hash. Filled anew for each line. */
export interface LineKey {
  end: number;
  hash: number;
}

/** Where the next such byte is that no backslash escapes; the end when there is none. */
export function nextBare(block: Buffer, from: number, byte: number): number {
  let at = block.indexOf(byte, from);
  while (at > 0 && block[at - 1] === BACKSLASH) at = block.indexOf(byte, at + 1);
  return at < 0 ? block.length : at;
}

/** What stands in every line of a device, of whatever class. */
export function deviceTag(device: string): string {
  return `,device=${escapeTag(device)}`;
}

/**
 * Finds the key of a line about a device: measurement, class and device, which come first. False for other lines. The
 * hash leaves the class out, so that a device is found by its name alone, too.
 */
export function lineKey(block: Buffer, start: number, end: number, key: LineKey): boolean {
  if (block.compare(DEVICE, 0, DEVICE.length, start, start + DEVICE.length) !== 0) return false;
  let hash = FNV_OFFSET;
  let commas = 0;
  let at = start;
  for (; at < end; at++) {
    const byte = block[at] as number;
    if ((byte === COMMA || byte === SPACE) && block[at - 1] !== BACKSLASH) {
      if (byte === SPACE || ++commas === 3) break;
    }
    if (commas !== 1) hash = Math.imul(hash ^ byte, FNV_PRIME);
  }
  key.end = at;
  key.hash = hash >>> 0;
  return commas >= 2;
}

/** The hash that {@link lineKey} finds in all lines of a device in one measurement. */
export function seriesHash(measurement: string, device: string): number {
  let hash = FNV_OFFSET;
  for (const byte of Buffer.from(measurement + deviceTag(device))) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return hash >>> 0;
}

/**
 * The instant at the end of a line; NaN when the line is none of line protocol, as far as a look at its beginning and
 * its end tells.
 */
export function soundInstant(block: Buffer, start: number, end: number): number {
  const first = block[start] as number;
  if (end - start < 5 || !((first >= 97 && first <= 122) || first === 95 || (first >= 65 && first <= 90))) {
    return Number.NaN;
  }
  let value = 0;
  let scale = 1;
  let at = end - 1;
  for (; at > start; at--) {
    const digit = (block[at] as number) - 48;
    if (digit < 0 || digit > 9) break;
    value += digit * scale;
    scale *= 10;
  }
  const isNegative = block[at] === MINUS;
  if (scale === 1 || block[isNegative ? at - 1 : at] !== SPACE || !Number.isSafeInteger(value))
    return Number.NaN;
  return isNegative ? -value : value;
}

/** Control characters but newlines, among bytes taken one by one: those above 127 are parts of longer characters. */
const CONTROL = /[^\P{Cc}\n\u0080-\u009f]/u;

/** True when there are control characters other than newlines: ours has none, so that is damage. */
export function hasControl(block: Buffer): boolean {
  return CONTROL.test(block.toString('latin1'));
}
