import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import mqtt, { type Packet } from 'mqtt-packet';
import { fixedHeaderBytes, isPlainPublish, publishAt, publishBytes, remainingBytes } from './packet-bytes.ts';
import { faultOf } from './packet-faults.ts';

/** What mqtt-packet makes of it; undefined when it refuses. */
function parsed(bytes: Buffer): Packet | undefined {
  let packet: Packet | undefined;
  const parser = mqtt.parser();
  parser.on('packet', (one) => {
    packet = one;
  });
  parser.on('error', () => {});
  parser.parse(bytes);
  return packet;
}

const publish = fc.record({
  topic: fc
    .string({ minLength: 1, maxLength: 300, unit: 'grapheme' })
    .filter((topic) => !topic.includes('\0')),
  payload: fc.uint8Array({ maxLength: 20_000 }).map((bytes) => Buffer.from(bytes)),
  qos: fc.constantFrom<0 | 1>(0, 1),
  messageId: fc.integer({ min: 1, max: 65_535 }),
  dup: fc.boolean(),
  retain: fc.boolean(),
});

describe('a PUBLISH in bytes', () => {
  it('is what mqtt-packet wrote, wherever it lies', () => {
    fc.assert(
      fc.property(publish, fc.nat({ max: 9 }), (some, at) => {
        const message = { ...some, dup: some.dup && some.qos > 0 };
        const bytes = Buffer.concat([Buffer.alloc(at), mqtt.generate({ cmd: 'publish', ...message })]);
        assert.ok(isPlainPublish(bytes[at] as number));
        const length = fixedHeaderBytes(bytes, at) + remainingBytes(bytes, at);
        assert.equal(at + length, bytes.length);
        const { messageId, ...rest } = message;
        assert.deepEqual(publishAt(bytes, at, length), {
          cmd: 'publish',
          ...rest,
          messageId: message.qos === 0 ? 0 : messageId,
        });
      }),
    );
  });

  it('is written as mqtt-packet writes it', () => {
    fc.assert(
      fc.property(publish, ({ topic, payload, qos, messageId }) => {
        const message = { topic, payload, qos, messageId, dup: false, retain: false } as const;
        const theirs = mqtt.generate({ cmd: 'publish', ...message });
        assert.deepEqual(publishBytes(message, qos === 0 ? 0 : messageId), theirs);
      }),
    );
  });

  it('is read exactly when mqtt-packet reads it and it has no fault, and as it does, whatever the bytes', () => {
    const body = fc.uint8Array({ maxLength: 30 });
    fc.assert(
      fc.property(body, fc.constantFrom(0x30, 0x31, 0x32, 0x38, 0x3b), (rest, first) => {
        const bytes = Buffer.concat([Buffer.from([first, rest.length]), rest]);
        const own = publishAt(bytes, 0, bytes.length);
        const theirs = parsed(bytes) as (Packet & { topic: string; payload: Buffer }) | undefined;
        // What this reader does not take has a fault, or is more than they take.
        if (own === undefined) {
          assert.ok(theirs === undefined || faultOf(bytes) !== undefined, bytes.toString('hex'));
          return;
        }
        assert.equal(faultOf(bytes), undefined, bytes.toString('hex'));
        assert.ok(theirs !== undefined, bytes.toString('hex'));
        assert.equal(own.topic, theirs.topic);
        assert.deepEqual(Buffer.from(own.payload), Buffer.from(theirs.payload));
        if (own.qos > 0) assert.equal(own.messageId, theirs.messageId);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a fixed header', () => {
  it('is not there until its last length byte is, and has at most four of them', () => {
    assert.equal(fixedHeaderBytes(Buffer.from([0x30]), 0), 0);
    assert.equal(fixedHeaderBytes(Buffer.from([0x30, 0x80]), 0), 0);
    assert.equal(fixedHeaderBytes(Buffer.from([0x30, 0x80, 0x01]), 0), 3);
    assert.equal(fixedHeaderBytes(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]), 0), 5);
    assert.equal(remainingBytes(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]), 0), 268_435_455);
    assert.equal(fixedHeaderBytes(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]), 0), -1);
  });
});
