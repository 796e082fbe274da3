import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encode } from '@slowbeat/device-sdk/protocol';
import fc from 'fast-check';
import { readInbound } from './inbound.ts';

const live = (topic: string, payload: Uint8Array, retained = false) =>
  readInbound('hb/v1', { topic, payload, retained });
const text = (content: string): Uint8Array => Buffer.from(content);

describe('an inbound message', () => {
  it('becomes evidence in milliseconds, with the device its topic names', () => {
    assert.deepEqual(live('hb/v1/meter/m-1/beat', text('{"g":3,"k":2,"s":17,"n":900000,"u":61.5}')), {
      ok: true,
      evidence: {
        kind: 'beat',
        device: 'm-1',
        deviceClass: 'meter',
        generation: 3,
        session: 2,
        seq: 17,
        nextMs: 900_000,
        uptimeMs: 61_500,
      },
      telemetry: { generation: 3, session: 2, seq: 17, nextMs: 900_000, uptimeS: 61.5 },
    });
  });

  it('keeps where a device hangs from its birth, and its plans from its goodbye', () => {
    const birth = live(
      'hb/v1/meter/m-1/birth',
      encode(
        'birth',
        { generation: 1, session: 1, intervalMs: 5000, site: 'north', gateway: 'gw-1' },
        'cbor',
      ),
    );
    assert.ok(birth.ok && birth.evidence.kind === 'birth');
    assert.deepEqual([birth.evidence.site, birth.evidence.gateway], ['north', 'gw-1']);
    const bye = live('hb/v1/meter/m-1/bye', encode('bye', { sleepMs: 3_600_000 }));
    assert.ok(bye.ok && bye.evidence.kind === 'bye');
    assert.equal(bye.evidence.sleepMs, 3_600_000);
  });

  it('gives the uptime in whole milliseconds', () => {
    const beat = live('hb/v1/meter/m-1/beat', text('{"u":61.12345678}'));
    assert.ok(beat.ok && beat.evidence.kind === 'beat');
    assert.equal(beat.evidence.uptimeMs, 61_123);
  });

  it('is evidence with an empty payload: the smallest beat', () => {
    assert.equal(live('hb/v1/meter/m-1/beat', new Uint8Array(0)).ok, true);
  });

  const refusals: [string, string, Uint8Array, boolean, string][] = [
    ['a topic of another scheme', 'home/kitchen/lamp', text(''), false, 'bad-topic'],
    ['a class that is no name', 'hb/v1/a b/m-1/beat', text(''), false, 'bad-topic'],
    ['an unknown kind', 'hb/v1/meter/m-1/dance', text(''), false, 'bad-topic'],
    ['a level too many', 'hb/v1/meter/m-1/beat/x', text(''), false, 'bad-topic'],
    ['a copy the broker kept', 'hb/v1/meter/m-1/beat', text('{}'), true, 'retained'],
    ['a verdict of a detector', 'hb/v1/meter/m-1/state', text('{}'), true, 'own-message'],
    ['random bytes', 'hb/v1/meter/m-1/beat', Buffer.from([1, 2, 3]), false, 'not-json-or-cbor'],
    ['half of a JSON text', 'hb/v1/meter/m-1/beat', text('{"s":'), false, 'malformed'],
    ['a wrong type', 'hb/v1/meter/m-1/beat', text('{"s":"seven"}'), false, 'invalid-field'],
    ['an uptime beyond belief', 'hb/v1/meter/m-1/beat', text('{"u":1e300}'), false, 'invalid-field'],
    ['a megabyte', 'hb/v1/meter/m-1/beat', Buffer.alloc(1_000_000, 0x7b), false, 'payload-too-large'],
  ];
  for (const [what, topic, payload, retained, reason] of refusals) {
    it(`is refused as ${reason}: ${what}`, () => {
      const inbound = live(topic, payload, retained);
      assert.ok(!inbound.ok);
      assert.equal(inbound.refusal, reason);
    });
  }

  it('never throws, whatever arrives', () => {
    const topic = fc.oneof(
      fc.string(),
      fc.constantFrom('birth', 'beat', 'will', 'bye', 'pong').map((k) => `hb/v1/c/d/${k}`),
    );
    fc.assert(
      fc.property(topic, fc.uint8Array({ maxLength: 64 }), fc.boolean(), (...message) => {
        live(...message);
      }),
    );
  });
});
