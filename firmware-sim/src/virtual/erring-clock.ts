/** A device's clock that drifts, is set wrong, and leaps. */
import type { Clock } from '@slowbeat/device-sdk';
import type { ClockError } from '../clock-error.ts';
import { arrivals } from '../plan-network.ts';
import type { Random } from '../random.ts';

/** @param random the device's own stream */
export function erringClock(world: Clock, { driftPpm, skewMs, steps }: ClockError, random: Random): Clock {
  if (driftPpm === 0 && skewMs === 0 && steps === undefined) return world;
  const rate = 1 + random.between(-driftPpm, driftPpm) / 1_000_000;
  const startedAt = world.epochMs() - world.now();
  let errorMs = random.between(-skewMs, skewMs);
  const leaps = steps && arrivals(random, steps.everyMs, world.now(), Infinity);
  let leapAtMs = nextOf(leaps);
  const now = (): number => world.now() * rate;
  return {
    now,
    epochMs() {
      for (; steps !== undefined && leapAtMs <= world.now(); leapAtMs = nextOf(leaps)) {
        const byMs = random.between(...steps.byMs);
        errorMs += random.chance(0.5) ? byMs : -byMs;
      }
      return startedAt + now() + errorMs;
    },
    setTimer: (delayMs, fire) => world.setTimer(delayMs / rate, fire),
  };
}

function nextOf(leaps: Iterator<number> | undefined): number {
  const next = leaps?.next();
  return next === undefined || next.done === true ? Infinity : next.value;
}
