import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '@slowbeat/device-sdk';
import { MonotonicTime } from './monotonic-time.ts';

const START_AT = 1_800_000_000_000;

/** The two clocks of a machine, moved apart by hand. */
class MachineClocks implements Clock {
  monotonicMs = 0;
  wallAt = START_AT;
  now = (): number => this.monotonicMs;
  epochMs = (): number => this.wallAt;
  setTimer = (): never => assert.fail('own time sets no timer');

  pass(ms: number): void {
    this.monotonicMs += ms;
    this.wallAt += ms;
  }
}

function started(notBeforeAt?: number): { clocks: MachineClocks; time: MonotonicTime } {
  const clocks = new MachineClocks();
  const options = { clock: clocks, gapMsMin: 2000 };
  return {
    clocks,
    time: new MonotonicTime(notBeforeAt === undefined ? options : { ...options, notBeforeAt }),
  };
}

describe('own time', () => {
  it('follows both clocks while they agree, without a gap', () => {
    const { clocks, time } = started();
    for (let i = 1; i <= 10; i++) {
      clocks.pass(500);
      assert.deepEqual(time.read(), { at: START_AT + i * 500 });
    }
  });

  it('reports a pause from the last reading until now when a reading comes late', () => {
    const { clocks, time } = started();
    clocks.pass(500);
    time.read();
    clocks.pass(7000);
    assert.deepEqual(time.read(), {
      at: START_AT + 7500,
      gap: { fromAt: START_AT + 500, untilAt: START_AT + 7500, cause: 'pause' },
    });
  });

  it('takes a wall clock that leaps ahead for a suspended machine, and follows it', () => {
    const { clocks, time } = started();
    clocks.pass(500);
    clocks.wallAt += 3_600_000;
    assert.deepEqual(time.read(), {
      at: START_AT + 500 + 3_600_000,
      gap: { fromAt: START_AT, untilAt: START_AT + 500 + 3_600_000, cause: 'clock-step' },
    });
    clocks.pass(500);
    assert.deepEqual(time.read(), { at: START_AT + 1000 + 3_600_000 });
  });

  it('never runs backwards when the wall clock is set back, and gives time back at 1 % at most', () => {
    const { clocks, time } = started();
    clocks.pass(1000);
    time.read();
    clocks.wallAt -= 60_000;
    let before = time.read().at;
    for (let i = 0; i < 100; i++) {
      clocks.pass(1000);
      const { at, gap } = time.read();
      assert.equal(gap, undefined);
      assert.ok(at - before >= 989 && at - before <= 1000, `ran ${at - before} ms in a second`);
      before = at;
    }
    assert.ok(time.aheadMs < 60_000 - 990 && time.aheadMs > 58_000, `${time.aheadMs} ms ahead`);
  });

  it('starts after the instants an earlier run has used, even if the wall clock says otherwise', () => {
    const { clocks, time } = started(START_AT + 5000);
    assert.equal(time.latestAt, START_AT + 5000);
    clocks.pass(1000);
    assert.equal(time.read().at, START_AT + 5990);
  });

  it('gives whole milliseconds', () => {
    const { clocks, time } = started();
    clocks.pass(0.7);
    assert.equal(time.read().at, START_AT);
    clocks.pass(0.7);
    assert.equal(time.read().at, START_AT + 1);
  });
});
