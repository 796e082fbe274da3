/** Ctrl-C and SIGTERM: the first asks for a clean end, the second forces one. */
import { constants } from 'node:os';

export interface StopRequest extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Which signal asked; undefined while none has. */
  readonly asked: () => NodeJS.Signals | undefined;
}

/** A stop that takes longer is given up: data is safe by then, since everything is written before it is told. */
const STOP_MS_MAX = 15_000;

/** Ctrl-C under npm or timeout reaches a process twice, from the terminal and from its parent: still one wish. */
const SAME_WISH_MS = 500;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * `force` ends the process at once, with the exit code given. `drainMs` is what a stop may take on purpose, beyond what
 * it takes anyway.
 */
export function onStopRequest(
  tell: (line: string) => void,
  force: (code: number) => void,
  drainMs = 0,
): StopRequest {
  const stopMsMax = STOP_MS_MAX + drainMs;
  const controller = new AbortController();
  let asked: NodeJS.Signals | undefined;
  let askedMs = 0;
  let deadline: NodeJS.Timeout | undefined;
  const handle = (signal: NodeJS.Signals): void => {
    const code = 128 + constants.signals[signal];
    if (asked !== undefined) {
      if (performance.now() - askedMs > SAME_WISH_MS) force(code);
      return;
    }
    asked = signal;
    askedMs = performance.now();
    deadline = setTimeout(() => {
      tell(`not stopped after ${stopMsMax / 1000} s; giving up`);
      force(1);
    }, stopMsMax);
    deadline.unref();
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, handle);
  return {
    signal: controller.signal,
    asked: () => asked,
    [Symbol.dispose]() {
      clearTimeout(deadline);
      for (const signal of SIGNALS) process.removeListener(signal, handle);
    },
  };
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
