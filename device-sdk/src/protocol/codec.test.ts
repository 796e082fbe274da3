import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decode, type Encoding, encode, PAYLOAD_BYTES_MAX } from './codec.ts';
import { ANNOUNCED_MS_MAX, type MessageByKind, SCHEMAS, SHORT_KEYS, UPTIME_S_MAX } from './messages.ts';
import type { TopicKind } from './topics.ts';

const KINDS = Object.keys(SCHEMAS) as TopicKind[];
const ENCODINGS: Encoding[] = ['json', 'cbor'];
const bytes = (text: string) => new TextEncoder().encode(text);

const counter = fc.maxSafeNat();
/** JSON knows no −0. */
const decimal = (min: number, max: number) =>
  fc.double({ min, max, noNaN: true }).map((n) => (n === 0 ? 0 : n));
const silence = decimal(1, ANNOUNCED_MS_MAX);
const instant = decimal(0, 8.64e15);
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
const text = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .filter((t) => t.length <= 64 && /^[^\p{Cc}\p{Cs}]*$/u.test(t));
const identity = { generation: counter, session: counter };
const uptimeS = decimal(0, UPTIME_S_MAX);
const telemetry = {
  uptimeS,
  deviceTimeMs: instant,
  batteryPercent: decimal(0, 100),
  rssiDbm: decimal(-200, 100),
};
const some = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { requiredKeys: [] });
const state = fc.constantFrom(
  'unknown',
  'alive',
  'suspect',
  'dead',
  'asleep',
  'unreachable',
  'retired' as const,
);

const MESSAGES: { [K in TopicKind]: fc.Arbitrary<MessageByKind[K]> } = {
  birth: some({
    ...identity,
    ...telemetry,
    intervalMs: silence,
    nextMs: silence,
    firmware: text,
    site: name,
    gateway: name,
    capabilities: fc.array(text, { maxLength: 16 }),
  }),
  beat: some({
    ...identity,
    ...telemetry,
    seq: counter,
    nextMs: silence,
    roundTripMs: silence,
    missed: counter,
  }),
  will: some(identity),
  bye: some({ ...identity, uptimeS, sleepMs: silence, maintenanceMs: silence, retire: fc.boolean() }),
  ping: some({ nonce: counter }),
  pong: some({ ...identity, nonce: counter, uptimeS }),
  state: fc.record(
    {
      state,
      previous: state,
      at: instant,
      reason: text,
      phi: decimal(0, 1e3),
      lastSeenAt: instant,
      expectedBy: instant,
      suspectAt: instant,
      deadAt: instant,
      monitor: text,
    },
    { requiredKeys: ['state', 'at', 'reason'] },
  ) as fc.Arbitrary<MessageByKind['state']>,
};

describe('the codec', () => {
  for (const kind of KINDS) {
    for (const encoding of ENCODINGS) {
      it(`reads back every ${kind} it wrote in ${encoding}`, () => {
        fc.assert(
          fc.property(MESSAGES[kind], (message) => {
            const decoded = decode(kind, encode(kind, message as never, encoding));
            assert.ok(decoded.ok, decoded.ok ? '' : decoded.detail);
            assert.deepEqual({ ...decoded.message }, { ...message });
          }),
        );
      });
    }

    it(`never throws on any bytes as a ${kind}`, () => {
      const start = fc.constantFrom(0x7b, 0xa0, 0xa1, 0xb8, 0xb9, 0xbb, 0xbf);
      const nearly = fc
        .tuple(start, fc.uint8Array({ maxLength: 64 }))
        .map(([b, rest]) => Uint8Array.of(b, ...rest));
      fc.assert(
        fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), nearly), (payload) => {
          const decoded = decode(kind, payload);
          assert.ok(decoded.ok || decoded.detail.length <= 160);
        }),
        { numRuns: 1_000 },
      );
    });

    it(`never throws on a damaged ${kind}, nor on fields of any type`, () => {
      const fields = fc.dictionary(
        fc.constantFrom(...Object.values(SHORT_KEYS), 'state', 'at', 'site'),
        fc.jsonValue(),
      );
      fc.assert(fc.property(fields, (wire) => void decode(kind, bytes(JSON.stringify(wire)))));
      const damaged = fc.tuple(MESSAGES[kind], fc.constantFrom(...ENCODINGS), fc.nat(), fc.nat(255));
      fc.assert(
        fc.property(damaged, ([message, encoding, where, byte]) => {
          const payload = encode(kind, message as never, encoding);
          payload[where % payload.length] = byte;
          decode(kind, payload);
          decode(kind, payload.subarray(0, where % payload.length));
        }),
      );
    });
  }

  /** Ten days after its 41st boot, at four beats an hour. */
  const typical = {
    generation: 41,
    session: 7,
    seq: 960,
    nextMs: 898_412,
    uptimeS: 864_003,
    roundTripMs: 84,
  };

  it('writes a typical beat of a device that counts its boots in at most 64 bytes of JSON and 32 of CBOR', () => {
    assert.ok(encode('beat', typical, 'json').length <= 64);
    assert.ok(encode('beat', typical, 'cbor').length <= 32);
  });

  it('writes short keys, and no field twice', () => {
    const beat = JSON.parse(
      new TextDecoder().decode(encode('beat', { ...typical, batteryPercent: 87, rssiDbm: -71 })),
    );
    assert.deepEqual(Object.keys(beat).sort(), ['b', 'g', 'k', 'n', 'q', 'r', 's', 'u']);
    assert.equal(new Set(Object.values(SHORT_KEYS)).size, Object.values(SHORT_KEYS).length);
  });

  it('takes an empty payload for a message without fields, except for a verdict', () => {
    for (const kind of KINDS) assert.equal(decode(kind, new Uint8Array()).ok, kind !== 'state', kind);
  });

  it('ignores keys it does not know, long names on the wire, and the names of built-in properties', () => {
    const payload = bytes(
      '{"g":1,"session":9,"extra":{"a":[1]},"__proto__":{"s":5},"constructor":1,"toString":1}',
    );
    assert.deepEqual(decode('beat', payload), { ok: true, message: { generation: 1 } });
  });

  it('takes null for a field that is absent', () => {
    assert.deepEqual(decode('beat', bytes('{"g":1,"b":null,"n":null}')), {
      ok: true,
      message: { generation: 1 },
    });
  });

  it('drops a reading that makes no sense, and keeps the beat', () => {
    const decoded = decode('beat', bytes('{"g":1,"b":103,"q":"strong","r":-1,"t":1e300,"m":0.5}'));
    assert.ok(decoded.ok);
    assert.equal(decoded.message.generation, 1);
    assert.equal(decoded.message.batteryPercent, undefined);
    assert.equal(decoded.message.rssiDbm, undefined);
  });

  it('refuses a beat whose order or announcement makes no sense, and says which field', () => {
    for (const [json, detail] of [
      ['{"g":-1}', '"g" (generation): -1 is not valid'],
      ['{"k":1.5}', '"k" (session): 1.5 is not valid'],
      ['{"s":"7"}', '"s" (seq): "7" is not valid'],
      ['{"s":9007199254740993}', '"s" (seq): 9007199254740992 is not valid'],
      ['{"n":0}', '"n" (nextMs): 0 is not valid'],
      ['{"n":34560000001}', '"n" (nextMs): 34560000001 is not valid'],
      ['{"u":[]}', '"u" (uptimeS): an array is not valid'],
      ['{"u":{}}', '"u" (uptimeS): an object is not valid'],
    ] as const) {
      assert.deepEqual(decode('beat', bytes(json)), { ok: false, reason: 'invalid-field', detail });
    }
    const noState = decode('state', bytes('{"at":1,"reason":"late"}'));
    assert.deepEqual(noState, { ok: false, reason: 'invalid-field', detail: '"state" is missing' });
  });

  it('refuses texts with control characters, which would end up in logs and tables', () => {
    assert.equal(decode('birth', bytes('{"site":"a\\nb"}')).ok, false);
    assert.equal(decode('birth', bytes('{"caps":["\\u0007"]}')).ok, false);
  });

  it('reads a payload of the longest size, and not one byte more', () => {
    const padded = (length: number) => bytes(`{"g":1${' '.repeat(length - 7)}}`);
    assert.equal(decode('beat', padded(PAYLOAD_BYTES_MAX)).ok, true);
    const decoded = decode('beat', padded(PAYLOAD_BYTES_MAX + 1));
    assert.equal(decoded.ok ? '' : decoded.reason, 'payload-too-large');
  });

  it('survives nesting as deep as the size allows', () => {
    const half = PAYLOAD_BYTES_MAX / 2 - 4;
    assert.equal(decode('beat', bytes(`{"z":${'['.repeat(half)}${']'.repeat(half)}}`)).ok, true);
    const cbor = new Uint8Array(PAYLOAD_BYTES_MAX).fill(0x81);
    cbor.set([0xa1, 0x61, 0x7a]);
    cbor[PAYLOAD_BYTES_MAX - 1] = 0x00;
    assert.equal(typeof decode('beat', cbor).ok, 'boolean');
  });

  it('reads a view into a larger buffer', () => {
    for (const encoding of ENCODINGS) {
      const payload = encode('beat', typical, encoding);
      const larger = new Uint8Array(payload.length + 20).fill(0xff);
      larger.set(payload, 9);
      assert.deepEqual(decode('beat', larger.subarray(9, 9 + payload.length)), {
        ok: true,
        message: typical,
      });
    }
  });
});
