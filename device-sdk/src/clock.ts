/** Time as the device's loop sees it: injected, so that virtual time drives the very same loop. */
export interface Clock {
  /** Milliseconds on a clock that only runs forward; for intervals and uptime. */
  now(): number;
  /** Epoch milliseconds of the device's wall clock, which may be wrong; only ever reported, never judged by. */
  epochMs(): number;
  setTimer(delayMs: number, fire: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Node waits at most 2^31 − 1 ms per timer; a longer wait would fire at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  epochMs: () => Date.now(),
  setTimer(delayMs, fire) {
    let handle: NodeJS.Timeout;
    const arm = (remainingMs: number): void => {
      const stepMs = Math.min(remainingMs, DELAY_MS_MAX);
      handle = setTimeout(() => (remainingMs > stepMs ? arm(remainingMs - stepMs) : fire()), stepMs);
    };
    arm(Math.max(0, delayMs));
    return { cancel: () => clearTimeout(handle) };
  },
};
