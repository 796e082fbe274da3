/** Waiting in a test for something that can only be looked at. */
import { setTimeout as pause } from 'node:timers/promises';

/** Resolves when `isSo`; fails with `what` when that has not come within 20 s. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited 20 s in vain until ${what}`);
    await pause(2);
  }
}
