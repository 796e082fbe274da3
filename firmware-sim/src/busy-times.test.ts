import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BusyTimes } from './busy-times.ts';

test('takes a span exactly when it overlaps none that was taken, as trying them all says', () => {
  const span = fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 20 }));
  fc.assert(
    fc.property(fc.array(span, { maxLength: 40 }), (spans) => {
      const busy = new BusyTimes();
      const taken: { from: number; to: number }[] = [];
      for (const [from, length] of spans) {
        const to = from + length;
        const free = taken.every((other) => to <= other.from || other.to <= from);
        assert.equal(busy.take(from, to), free);
        if (free) taken.push({ from, to });
      }
    }),
  );
});

test('spans that only touch do not overlap', () => {
  const busy = new BusyTimes();
  assert.equal(busy.take(10, 20), true);
  assert.equal(busy.take(20, 30), true);
  assert.equal(busy.take(0, 10), true);
  assert.equal(busy.take(19, 21), false);
});
