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

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { fatal: true });
const LONG_NAMES = new Map(Object.entries(SHORT_KEYS).map(([long, short]) => [short, long]));

/** Kinds for which "I exist" is all there is to say, so that an empty payload is a whole message. */
const MAY_BE_EMPTY: ReadonlySet<TopicKind> = new Set(['birth', 'beat', 'will', 'bye', 'ping', 'pong']);

/** Encodes a message; fields that are undefined are left out. */
export function encode<K extends TopicKind>(
  kind: K,
  message: MessageByKind[K],
  encoding: Encoding = 'json',
): Uint8Array {
  const wire: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(message)) {
    if (value !== undefined) wire[wireKey(kind, name)] = value;
  }
  return encoding === 'json' ? ENCODER.encode(JSON.stringify(wire)) : encodeCborBytes(wire);
}

/** Decodes and validates a payload. Never throws, whatever the bytes. */
export function decode<K extends TopicKind>(kind: K, payload: Uint8Array): Decoded<K> {
  if (payload.length > PAYLOAD_BYTES_MAX) {
    return failed('payload-too-large', `${payload.length} bytes; at most ${PAYLOAD_BYTES_MAX} are read`);
  }
  const wire = parse(kind, payload);
  if (!wire.ok) return wire;
  const named = Object.entries(wire.fields)
    .filter(([key]) => kind === 'state' || !Object.hasOwn(SHORT_KEYS, key))
    .map(([key, value]) => [kind === 'state' ? key : (LONG_NAMES.get(key) ?? key), value]);
  const checked = SCHEMAS[kind].safeParse(Object.fromEntries(named));
  if (checked.success) return { ok: true, message: checked.data as MessageByKind[K] };
  const issue = checked.error.issues[0];
  const field = String(issue?.path[0] ?? 'payload');
  return failed('invalid-field', `"${wireKey(kind, field)}" (${field}): ${issue?.message ?? 'not valid'}`);
}

function parse(
  kind: TopicKind,
  payload: Uint8Array,
): { ok: true; fields: Record<string, unknown> } | { ok: false; reason: DecodeFailure; detail: string } {
  const first = payload[0];
  if (first === undefined) {
    return MAY_BE_EMPTY.has(kind)
      ? { ok: true, fields: {} }
      : failed('malformed', `an empty payload is no ${kind}`);
  }
  try {
    if (first === 0x7b) {
      const text = DECODER.decode(payload);
      return { ok: true, fields: JSON.parse(text) as Record<string, unknown> };
    }
    if (first >= 0xa0 && first <= 0xbf) {
      return {
        ok: true,
        fields: decodeCborBytes(payload, { allowIndefinite: true, rejectDuplicateMapKeys: true }),
      };
    }
  } catch (error) {
    return failed('malformed', error instanceof Error ? error.message : String(error));
  }
  return failed('not-json-or-cbor', `first byte 0x${first.toString(16).padStart(2, '0')}`);
}

function wireKey(kind: TopicKind, name: string): string {
  return kind === 'state' ? name : (SHORT_KEYS[name] ?? name);
}

function failed(reason: DecodeFailure, detail: string) {
  return { ok: false, reason, detail } as const;
}
