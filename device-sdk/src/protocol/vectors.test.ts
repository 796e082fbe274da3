import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type DecodeFailure, decode, type Encoding, encode } from './codec.ts';
import { SCHEMAS } from './messages.ts';
import type { TopicKind } from './topics.ts';

interface MessageVector {
  readonly note: string;
  readonly kind: TopicKind;
  /** `any`: these bytes are read, but not what this library writes. */
  readonly encoding: Encoding | 'any';
  readonly hex: string;
  readonly message: Record<string, unknown>;
}

interface FailureVector {
  readonly note: string;
  readonly kind: TopicKind;
  readonly hex: string;
  readonly reason: DecodeFailure;
}

function vectors<V>(file: string): V[] {
  return JSON.parse(readFileSync(new URL(`../../vectors/${file}`, import.meta.url), 'utf8'));
}

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
/** Fields that were dropped are there as undefined; JSON cannot say so. */
const present = (message: object) => JSON.parse(JSON.stringify(message));

describe('wire test vectors', () => {
  const messages = vectors<MessageVector>('messages.json');
  const failures = vectors<FailureVector>('failures.json');

  for (const { note, kind, encoding, hex, message } of messages) {
    it(`${kind}, ${encoding}: ${note}`, () => {
      const decoded = decode(kind, bytes(hex));
      assert.ok(decoded.ok, decoded.ok ? '' : decoded.detail);
      assert.deepEqual(present(decoded.message), message);
      if (encoding === 'any') return;
      assert.equal(Buffer.from(encode(kind, message as never, encoding)).toString('hex'), hex);
    });
  }

  for (const { note, kind, hex, reason } of failures) {
    it(`${kind} is refused as ${reason}: ${note}`, () => {
      const decoded = decode(kind, bytes(hex));
      assert.equal(decoded.ok ? 'accepted' : decoded.reason, reason);
    });
  }

  it('cover every kind in both encodings, every field, and every reason', () => {
    for (const kind of Object.keys(SCHEMAS) as TopicKind[]) {
      const ofKind = messages.filter((vector) => vector.kind === kind);
      for (const encoding of ['json', 'cbor'] as const) {
        assert.ok(
          ofKind.some((vector) => vector.encoding === encoding),
          `${kind} in ${encoding}`,
        );
      }
      const covered = new Set(ofKind.flatMap(({ message }) => Object.keys(message)));
      const missing = Object.keys(SCHEMAS[kind].shape).filter((field) => !covered.has(field));
      assert.deepEqual(missing, [], `fields of ${kind}`);
    }
    const reasons: Record<DecodeFailure, true> = {
      'payload-too-large': true,
      'not-json-or-cbor': true,
      malformed: true,
      'invalid-field': true,
    };
    assert.deepEqual([...new Set(failures.map(({ reason }) => reason))].sort(), Object.keys(reasons).sort());
  });
});
