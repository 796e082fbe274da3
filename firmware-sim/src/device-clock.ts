/** A device's own clock: it runs with the world's until the device stops, and then no timer fires any more. */
import type { Clock, Timer } from '@slowbeat/device-sdk';

export interface DeviceClock extends Clock {
  /** Nothing that waits on this clock will ever happen. */
  stop(): void;
}

export function deviceClock(world: Clock): DeviceClock {
  const waiting = new Set<Timer>();
  let stopped = false;
  return {
    now: () => world.now(),
    epochMs: () => world.epochMs(),
    setTimer(delayMs, fire) {
      if (stopped) return { cancel: () => {} };
      const timer = world.setTimer(delayMs, () => {
        waiting.delete(timer);
        fire();
      });
      waiting.add(timer);
      return {
        cancel() {
          waiting.delete(timer);
          timer.cancel();
        },
      };
    },
    stop() {
      stopped = true;
      for (const timer of waiting) timer.cancel();
      waiting.clear();
    },
  };
}
