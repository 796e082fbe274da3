import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeadlineQueue } from './deadline-queue.ts';

const DEVICES = 40;
const change = fc.record({
  device: fc.nat({ max: DEVICES - 1 }),
  deadlineAt: fc.oneof(fc.nat({ max: 100 }), fc.constant(Number.POSITIVE_INFINITY)),
});

test('devices come out in the order of their latest deadlines, each once', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
      const queue = new DeadlineQueue();
      queue.reserve(DEVICES);
      const expected = new Map<number, number>();
      for (const { device, deadlineAt } of changes) {
        queue.set(device, deadlineAt);
        if (deadlineAt === Number.POSITIVE_INFINITY) expected.delete(device);
        else expected.set(device, deadlineAt);
      }
      assert.equal(queue.size, expected.size);
      const popped: number[] = [];
      for (let device = queue.due(1_000); device >= 0; device = queue.due(1_000)) {
        popped.push(expected.get(device) as number);
        queue.set(device, Number.POSITIVE_INFINITY);
      }
      assert.deepEqual(
        popped,
        [...expected.values()].sort((a, b) => a - b),
      );
    }),
  );
});

test('nothing is due before the announced next instant, and what is due then is not kept back', () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 100 }), (changes) => {
      const queue = new DeadlineQueue();
      queue.reserve(DEVICES);
      const deadlines = new Map<number, number>();
      for (const { device, deadlineAt } of changes) {
        queue.set(device, deadlineAt);
        deadlines.set(device, deadlineAt);
      }
      const earliest = Math.min(...deadlines.values());
      const next = queue.next() ?? Number.POSITIVE_INFINITY;
      assert.ok(next <= earliest);
      assert.equal(queue.due(earliest - 1), -1);
      if (earliest < Number.POSITIVE_INFINITY) assert.ok(queue.due(earliest) >= 0);
    }),
  );
});
