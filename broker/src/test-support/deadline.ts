/** Waiting in tests: for an effect, never for time, and never for ever. */

export const DEADLINE_MS = 10_000;

/** Rejects, naming what was waited for, when the promise takes too long. */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  deadlineMs: number = DEADLINE_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${deadlineMs} ms for ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves once the condition holds; looks again whenever the event loop has had a turn. */
export async function until(
  condition: () => boolean,
  what: string,
  deadlineMs: number = DEADLINE_MS,
): Promise<void> {
  const lateAt = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > lateAt) throw new Error(`waited ${deadlineMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
