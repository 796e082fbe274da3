import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seeded } from '../random.ts';
import { erringClock } from './erring-clock.ts';
import { VirtualClock } from './virtual-clock.ts';

const DAY = 86_400_000;
const START_AT = Date.UTC(2026, 0, 1);

describe("a device's own clock", () => {
  it("is the world's when it never errs", () => {
    const world = new VirtualClock(START_AT);
    assert.equal(erringClock(world, { driftPpm: 0, skewMs: 0 }, seeded(1)), world);
  });

  it('drifts, and so do its timers', () => {
    const world = new VirtualClock(START_AT);
    const clock = erringClock(world, { driftPpm: 200, skewMs: 0 }, seeded(1));
    let firedMs = 0;
    clock.setTimer(DAY, () => {
      firedMs = world.now();
    });
    world.run(2 * DAY);
    const driftPpm = (1_000_000 * (clock.now() - world.now())) / world.now();
    assert.ok(Math.abs(driftPpm) > 1 && Math.abs(driftPpm) <= 200, `${driftPpm}`);
    assert.ok(Math.abs(firedMs - DAY * (1 - driftPpm / 1_000_000)) < 5, `${firedMs - DAY}`);
  });

  it('is set wrong within its skew, and leaps ahead and back as often as told', () => {
    const errors: number[] = [];
    for (let seed = 0; seed < 50; seed++) {
      const world = new VirtualClock(START_AT);
      const steps = { everyMs: DAY, byMs: [1_000, 2_000] } as const;
      const clock = erringClock(world, { driftPpm: 0, skewMs: 100, steps }, seeded(seed));
      const skew = clock.epochMs() - world.epochMs();
      assert.ok(Math.abs(skew) <= 100, `${skew}`);
      world.run(DAY);
      errors.push(clock.epochMs() - world.epochMs());
    }
    assert.ok(errors.some((ms) => ms > 500) && errors.some((ms) => ms < -500));
    assert.ok(errors.some((ms) => Math.abs(ms) <= 100));
  });
});
