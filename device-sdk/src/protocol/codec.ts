/** Bytes ↔ message. JSON starts with `{`, a CBOR map with 0xa0–0xbf; the decoder tells them apart. */
import { decode as decodeCborBytes, encode as encodeCborBytes } from 'cborg';
import { type MessageByKind, SCHEMAS, SHORT_KEYS } from './messages.ts';
import type { TopicKind } from './topics.ts';

/** A heartbeat needs tens of bytes; what is longer is not one of ours and is not even parsed. */
export const PAYLOAD_BYTES_MAX = 4096;

export type Encoding = 'json' | 'cbor';

/** Why a payload was refused; stable, and used as a metric label. */
export type DecodeFailure = 'payload-too-large' | 'not-json-or-cbor' | 'malformed' | 'invalid-field';

export type Decoded<K extends TopicKind> =
  | { readonly ok: true; readonly message: MessageByKind[K] }
  | { readonly ok: false; readonly reason: DecodeFailure; readonly detail: string };

type Failed = Extract<Decoded<TopicKind>, { ok: false }>;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { fatal: true });

/** A parser may quote the payload in its message; a log line need not carry all of it. */
const DETAIL_CHARS_MAX = 160;

/** Per kind, long name → key on the wire. */
const KEYS: Record<TopicKind, ReadonlyMap<string, string>> = {
  birth: keysOf(SCHEMAS.birth),
  beat: keysOf(SCHEMAS.beat),
  will: keysOf(SCHEMAS.will),
  bye: keysOf(SCHEMAS.bye),
  ping: keysOf(SCHEMAS.ping),
  pong: keysOf(SCHEMAS.pong),
  state: new Map(Object.keys(SCHEMAS.state.shape).map((name) => [name, name])),
};

function keysOf(schema: { readonly shape: object }): ReadonlyMap<string, string> {
  return new Map(Object.keys(schema.shape).map((name) => [name, SHORT_KEYS[name] ?? name]));
}

/** Encodes a message. Fields that are undefined are left out, as are fields that the kind does not have. */
export function encode<K extends TopicKind>(
  kind: K,
  message: MessageByKind[K],
  encoding: Encoding = 'json',
): Uint8Array {
  const wire: Record<string, unknown> = {};
  for (const [name, key] of KEYS[kind]) {
    const value = message[name as keyof MessageByKind[K]];
    if (value !== undefined) wire[key] = value;
  }
  return encoding === 'json' ? ENCODER.encode(JSON.stringify(wire)) : encodeCborBytes(wire);
}

/**
 * Decodes and validates a payload. Never throws, whatever the bytes.
 *
 * An empty payload is a message without fields: "I exist" is all a beat has to say.
 */
export function decode<K extends TopicKind>(kind: K, payload: Uint8Array): Decoded<K> {
  if (payload.length > PAYLOAD_BYTES_MAX) {
    return failed('payload-too-large', `${payload.length} bytes; at most ${PAYLOAD_BYTES_MAX} are read`);
  }
  const parsed = parse(payload);
  if (!parsed.ok) return parsed;
  const named: Record<string, unknown> = {};
  for (const [name, key] of KEYS[kind]) {
    const value = Object.hasOwn(parsed.fields, key) ? parsed.fields[key] : undefined;
    // Small stacks write null for a sensor without a reading.
    if (value !== undefined && value !== null) named[name] = value;
  }
  const checked = SCHEMAS[kind].safeParse(named);
  if (checked.success) return { ok: true, message: checked.data as MessageByKind[K] };
  const name = String(checked.error.issues[0]?.path[0]);
  const key = KEYS[kind].get(name);
  const field = key === name ? `"${key}"` : `"${key}" (${name})`;
  const value = named[name];
  return failed(
    'invalid-field',
    value === undefined ? `${field} is missing` : `${field}: ${shown(value)} is not valid`,
  );
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'object' ? (Array.isArray(value) ? 'an array' : 'an object') : String(value);
}

function parse(payload: Uint8Array): { ok: true; fields: Record<string, unknown> } | Failed {
  const first = payload[0];
  if (first === undefined) return { ok: true, fields: {} };
  const isJson = first === 0x7b;
  if (!isJson && (first < 0xa0 || first > 0xbf)) {
    return failed('not-json-or-cbor', `first byte 0x${first.toString(16).padStart(2, '0')}`);
  }
  try {
    const fields = isJson
      ? JSON.parse(DECODER.decode(payload))
      : decodeCborBytes(payload, { allowIndefinite: true, rejectDuplicateMapKeys: true });
    return { ok: true, fields };
  } catch (error) {
    return failed('malformed', error instanceof Error ? error.message : String(error));
  }
}

function failed(reason: DecodeFailure, detail: string): Failed {
  return { ok: false, reason, detail: detail.slice(0, DETAIL_CHARS_MAX) };
}
