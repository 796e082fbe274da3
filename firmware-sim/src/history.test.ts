import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { History, joint } from './history.ts';

const someChanges = fc
  .array(fc.record({ at: fc.integer({ min: -50, max: 150 }), value: fc.integer({ min: 0, max: 3 }) }))
  .map((changes) => changes.sort((a, b) => a.at - b.at));
const window = { from: 0, to: 100 };

function historyOf(changes: readonly { at: number; value: number }[]): History<number> {
  const history = new History(-1);
  for (const { at, value } of changes) history.record(at, value);
  return history;
}

test('stretches tile the window, each with the value in force', () => {
  fc.assert(
    fc.property(someChanges, (changes) => {
      let expectedFrom = 0;
      for (const { from, to, value } of historyOf(changes).within(window)) {
        assert.equal(from, expectedFrom);
        assert.ok(to > from);
        for (const instant of [from, to - 1]) {
          assert.equal(value, changes.findLast(({ at }) => at <= instant)?.value ?? -1);
        }
        expectedFrom = to;
      }
      assert.equal(expectedFrom, 100);
    }),
  );
});

test('two histories cut jointly tile the window too, with both values', () => {
  fc.assert(
    fc.property(someChanges, someChanges, (some, others) => {
      let expectedFrom = 0;
      for (const { from, to, value } of joint(
        historyOf(some).within(window),
        historyOf(others).within(window),
      )) {
        assert.equal(from, expectedFrom);
        assert.ok(to > from);
        assert.deepEqual(value, [
          some.findLast(({ at }) => at <= from)?.value ?? -1,
          others.findLast(({ at }) => at <= from)?.value ?? -1,
        ]);
        expectedFrom = to;
      }
      assert.equal(expectedFrom, 100);
    }),
  );
});

test('what is recorded for an earlier time replaces all that was said of it', () => {
  const history = historyOf([
    { at: 10, value: 1 },
    { at: 40, value: 0 },
  ]);
  history.record(30, 2);
  history.record(60, 1);
  assert.deepEqual(history.within(window), [
    { from: 0, to: 10, value: -1 },
    { from: 10, to: 30, value: 1 },
    { from: 30, to: 60, value: 2 },
    { from: 60, to: 100, value: 1 },
  ]);
});
