/** A timer for an instant, however far away: Node's own fire at once beyond 24.8 days. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** Runs `action` at the instant (epoch ms by `now`), or never when the returned function is called before. */
export function atInstant(at: number, now: () => number, action: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const leftMs = at - now();
    timer = setTimeout(
      () => (at <= now() ? action() : wait()),
      Math.min(Math.max(leftMs, 0), DELAY_MS_MAX),
    ).unref();
  };
  wait();
  return () => clearTimeout(timer);
}
