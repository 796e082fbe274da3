import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HearingTimes } from './hearing-times.ts';

test('a monitor begins deaf, and what it hears is what lies between its deaf spells', () => {
  const hearing = new HearingTimes();
  assert.equal(hearing.heardMs(0, 100), 0);
  hearing.hears(10);
  hearing.deaf(30);
  hearing.hears(40);
  hearing.deaf(90);
  assert.equal(hearing.heardMs(0, 100), 20 + 50);
  assert.equal(hearing.heardMs(35, 95), 50);
});

test('what a run before forgot between its snapshot and its end was not heard', () => {
  const before = new HearingTimes();
  before.hears(0);
  before.deaf(20);
  before.hears(25);
  const after = new HearingTimes();
  after.restore(JSON.parse(JSON.stringify(before.persistent(60))), 60);
  after.hears(80);
  assert.equal(after.heardMs(0, 100), 20 + 35 + 20);
  assert.equal(after.heardMs(-50, 0), 0);
});

test('heard time of two neighbouring spans is that of both together', () => {
  const events = fc.array(fc.record({ afterMs: fc.nat(50), hears: fc.boolean() }));
  fc.assert(
    fc.property(events, fc.nat(500), fc.nat(500), fc.nat(500), (all, from, first, second) => {
      const hearing = new HearingTimes();
      let at = 0;
      for (const { afterMs, hears } of all) {
        at += afterMs;
        if (hears) hearing.hears(at);
        else hearing.deaf(at);
      }
      const [middle, end] = [from + first, from + first + second];
      assert.equal(hearing.heardMs(from, end), hearing.heardMs(from, middle) + hearing.heardMs(middle, end));
      assert.ok(hearing.heardMs(from, end) >= 0);
    }),
  );
});
