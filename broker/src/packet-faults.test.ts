import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import mqtt, { type Packet } from 'mqtt-packet';
import { faultOf, isOfOtherLevel } from './packet-faults.ts';

const text = fc.string({ maxLength: 40, unit: 'grapheme' }).filter((it) => !it.includes('\0'));
const payload = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const messageId = fc.integer({ min: 1, max: 65_535 });
const qos = fc.constantFrom<0 | 1 | 2>(0, 1, 2);

const will = fc.record({ topic: text.filter((it) => it !== ''), payload, qos, retain: fc.boolean() });
const connect = fc.record({
  cmd: fc.constant('connect' as const),
  protocolId: fc.constant('MQTT' as const),
  protocolVersion: fc.constant(4 as const),
  clean: fc.constant(true),
  clientId: text,
  keepalive: fc.nat({ max: 65_535 }),
  more: fc.record(
    { will, username: text.filter((it) => it !== ''), password: payload },
    { requiredKeys: [] },
  ),
});
const packet: fc.Arbitrary<Packet> = fc.oneof(
  connect.map(({ more: { password, ...more }, ...rest }) => ({
    ...rest,
    ...(more as { username: string }),
    ...(more.username === undefined || password === undefined ? {} : { password }),
  })),
  fc.record({
    cmd: fc.constant('publish' as const),
    topic: text.filter((it) => it !== ''),
    payload,
    qos,
    messageId,
    dup: fc.constant(false),
    retain: fc.boolean(),
  }),
  fc.record({
    cmd: fc.constant('subscribe' as const),
    messageId,
    subscriptions: fc.array(fc.record({ topic: text, qos }), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    cmd: fc.constant('unsubscribe' as const),
    messageId,
    unsubscriptions: fc.array(text, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    cmd: fc.constantFrom('puback', 'pubrec', 'pubrel', 'pubcomp'),
    messageId,
  }) as fc.Arbitrary<Packet>,
  fc.constantFrom<Packet>({ cmd: 'pingreq' }, { cmd: 'disconnect' }),
);

/** A packet of this first byte. */
function framed(first: number, body: string | Buffer): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'hex') : body;
  return Buffer.concat([Buffer.from([first, bytes.length]), bytes]);
}

function withText(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0, bytes.length]), bytes]);
}

describe('a fault in a packet', () => {
  it('is never found in what mqtt-packet writes', () => {
    fc.assert(fc.property(packet, (one) => assert.equal(faultOf(mqtt.generate(one)), undefined)));
  });

  it('is found in every text exactly when it is not UTF-8 or holds a NUL (section 1.5.3)', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc
        .constantFrom(
          'eda080',
          'edbfbf',
          'eda0bdedb880',
          'c0af',
          'c080',
          'e282',
          'f8888080',
          'f4908080',
          '80',
          'efbfbd',
          'efbfbf',
          'efbbbf',
        )
        .map((hex) => Buffer.from(hex, 'hex')),
    );
    const id = Buffer.from([0, 1]);
    const open = Buffer.from('00044d51545404', 'hex');
    const places: [first: number, before: Buffer, after: Buffer][] = [
      [0x34, Buffer.alloc(0), id],
      [0x82, id, Buffer.from([0])],
      [0xa2, id, Buffer.alloc(0)],
      [0x10, Buffer.concat([open, Buffer.from([2, 0, 60])]), Buffer.alloc(0)],
      [0x10, Buffer.concat([open, Buffer.from([6, 0, 60, 0, 1, 0x61])]), Buffer.alloc(2)],
      [0x10, Buffer.concat([open, Buffer.from([0x82, 0, 60, 0, 1, 0x61])]), Buffer.alloc(0)],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...places), bytes, ([first, before, after], some) => {
        const one = framed(first, Buffer.concat([before, withText(some), after]));
        assert.equal(faultOf(one) === undefined, isUtf8(some) && !some.includes(0), one.toString('hex'));
      }),
      { numRuns: 1_000 },
    );
  });

  for (const [what, first, body] of [
    ['a CONNECT with a will of QoS 3', 0x10, '00044d515454041e003c00016100017700016d'],
    ['a CONNECT with a password and no user name', 0x10, '00044d5154540442003c000161000170'],
    ['a CONNECT whose user name is missing', 0x10, '00044d5154540482003c000161'],
    ['a CONNECT whose password is missing', 0x10, '00044d51545404c2003c000161000175'],
    ['a CONNECT that goes on after its fields', 0x10, '00044d5154540402003c00016161'],
    ['a CONNECT that ends in its client id', 0x10, '00044d5154540402003c000261'],
    ['a repetition of QoS 0', 0x38, '00016178'],
    ['a PUBLISH with message id 0', 0x34, '0001610000'],
    ['a PUBACK with message id 0', 0x40, '0000'],
    ['a PUBREC with message id 0', 0x50, '0000'],
    ['a PUBREL with message id 0', 0x62, '0000'],
    ['a PUBCOMP with message id 0', 0x70, '0000'],
    ['a SUBSCRIBE with message id 0', 0x82, '000000016100'],
    ['an UNSUBSCRIBE with message id 0', 0xa2, '0000000161'],
    ['a SUBSCRIBE whose second filter has no QoS', 0x82, '000100016100000162'],
    ['an UNSUBSCRIBE that ends in its filter', 0xa2, '0001000261'],
  ] as const) {
    it(`is found: ${what}`, () => assert.notEqual(faultOf(framed(first, body)), undefined));
  }
});

describe('a protocol level', () => {
  const connectOf = (name: string, level: number): Buffer =>
    framed(0x10, Buffer.concat([withText(Buffer.from(name)), Buffer.from([level, 2, 0, 60, 0, 1, 0x61])]));

  it('is 3 for MQIsdp and 4 for MQTT, as a bridge or not, and any other is not ours', () => {
    for (let level = 0; level < 256; level += 1) {
      assert.equal(isOfOtherLevel(connectOf('MQTT', level)), level !== 4 && level !== 0x84, `${level}`);
      assert.equal(isOfOtherLevel(connectOf('MQIsdp', level)), level !== 3 && level !== 0x83, `${level}`);
    }
  });

  it('is no question under another protocol name, or where there is none', () => {
    assert.equal(isOfOtherLevel(connectOf('mqtt', 9)), false);
    assert.equal(isOfOtherLevel(framed(0x10, '00044d515454')), false);
  });
});
