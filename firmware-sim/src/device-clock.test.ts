import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@slowbeat/device-sdk';
import { deviceClock } from './device-clock.ts';

const fired = (clock: typeof systemClock, delayMs: number): Promise<void> =>
  new Promise((resolve) => clock.setTimer(delayMs, resolve));

test('timers fire until the device stops, then none does, and none that is set later', async () => {
  const clock = deviceClock(systemClock);
  let count = 0;
  clock.setTimer(0, () => count++);
  await fired(systemClock, 1);
  assert.equal(count, 1);
  clock.setTimer(2, () => count++);
  clock.stop();
  clock.setTimer(2, () => count++);
  await fired(systemClock, 10);
  assert.equal(count, 1);
});

test('a cancelled timer does not fire', async () => {
  const clock = deviceClock(systemClock);
  let count = 0;
  clock.setTimer(1, () => count++).cancel();
  await fired(clock, 5);
  assert.equal(count, 0);
});
