import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from './clock.ts';

const DAY_MS = 86_400_000;

describe('the system clock', () => {
  it('waits longer than the 24.8 days that a timer of Node can', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let fired = 0;
    systemClock.setTimer(100 * DAY_MS, () => {
      fired += 1;
    });
    // Mocked time jumps: a timer that is set anew at the end of a leg starts where the jump ended.
    const LEG_MS = 2 ** 31 - 1;
    const legs = Math.floor((100 * DAY_MS) / LEG_MS);
    for (let leg = 0; leg < legs; leg += 1) t.mock.timers.tick(LEG_MS);
    t.mock.timers.tick(100 * DAY_MS - legs * LEG_MS - 1);
    assert.equal(fired, 0);
    t.mock.timers.tick(1);
    assert.equal(fired, 1);
    t.mock.timers.tick(200 * DAY_MS);
    assert.equal(fired, 1);
  });

  it('cancels a long wait at any time', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let fired = 0;
    const timer = systemClock.setTimer(100 * DAY_MS, () => {
      fired += 1;
    });
    t.mock.timers.tick(60 * DAY_MS);
    timer.cancel();
    t.mock.timers.tick(60 * DAY_MS);
    assert.equal(fired, 0);
  });

  it('takes a delay in the past for now', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let fired = 0;
    systemClock.setTimer(-5, () => {
      fired += 1;
    });
    t.mock.timers.tick(0);
    assert.equal(fired, 1);
  });

  it('tells time that only runs forward, and the time of day', () => {
    const [before, day] = [systemClock.now(), systemClock.epochMs()];
    assert.ok(systemClock.now() >= before);
    assert.ok(Math.abs(day - Date.now()) < 1_000);
  });
});
