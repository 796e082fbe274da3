import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { VirtualClock } from './virtual-clock.ts';

const START_AT = Date.UTC(2026, 0, 1);

describe('virtual time', () => {
  it('lets things happen in the order of their instant, and at one instant in the order of asking', () => {
    const delays = fc.array(fc.nat({ max: 20 }), { maxLength: 200 });
    fc.assert(
      fc.property(delays, fc.array(fc.nat()), (waits, cancelled) => {
        const clock = new VirtualClock(START_AT);
        const happened: number[] = [];
        const timers = waits.map((ms, i) => clock.setTimer(ms, () => happened.push(i)));
        for (const i of cancelled) timers[i % Math.max(1, waits.length)]?.cancel();
        clock.run(20);
        const gone = new Set(cancelled.map((i) => i % Math.max(1, waits.length)));
        const expected = waits
          .map((ms, i) => ({ ms, i }))
          .filter(({ i }) => !gone.has(i))
          .sort((a, b) => a.ms - b.ms || a.i - b.i);
        assert.deepEqual(
          happened,
          expected.map(({ i }) => i),
        );
        assert.equal(clock.pending, 0);
      }),
    );
  });

  it('stands at the instant of what happens, and at the end at the one it was asked for', () => {
    const clock = new VirtualClock(START_AT);
    const seen: number[] = [];
    clock.setTimer(5, () => {
      seen.push(clock.now(), clock.epochMs() - START_AT);
      clock.setTimer(3, () => seen.push(clock.now()));
    });
    assert.ok(clock.run(7));
    assert.deepEqual([...seen, clock.now()], [5, 5, 7]);
    assert.ok(clock.run(8));
    assert.deepEqual(seen, [5, 5, 8]);
  });

  it('fires between two milliseconds at the later one, and never before now', () => {
    const clock = new VirtualClock(START_AT);
    const seen: number[] = [];
    clock.setTimer(2.1, () => seen.push(clock.now()));
    clock.run(10);
    clock.setTimer(-5, () => seen.push(clock.now()));
    clock.run(10);
    assert.deepEqual(seen, [3, 10]);
  });

  it('stops after as many events as asked, and goes on where it stopped', () => {
    const clock = new VirtualClock(START_AT);
    const seen: number[] = [];
    for (let i = 0; i < 5; i++) clock.setTimer(i, () => seen.push(i));
    assert.equal(clock.run(100, 2), false);
    assert.deepEqual([seen, clock.now()], [[0, 1], 1]);
    assert.equal(clock.run(100), true);
    assert.deepEqual([seen, clock.now()], [[0, 1, 2, 3, 4], 100]);
  });
});
