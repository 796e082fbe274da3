/** Waiting in tests: for an effect, never for time to pass, and never for ever. */

const DEADLINE_MS = 30_000;

/** Rejects, naming what was waited for, when the promise takes too long. */
export async function within<T>(promise: Promise<T>, what: string, deadlineMs = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${deadlineMs} ms: ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves once it holds; looks again whenever the event loop has had a turn. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const lateAt = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > lateAt) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
