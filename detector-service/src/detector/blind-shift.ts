/** How silence that proves nothing moves a device's deadlines. */

/**
 * How far blind time moves a device's expectation and its deadlines.
 *
 * A device not due before the end needs no shift: we hear its next beat or we do not. One that was due has perhaps
 * beaten unheard; the next beat we can hear comes whole intervals later, and since its announcement was lost with
 * the unheard one, it is expected one interval later still.
 */
export function blindShift(since: number, until: number, expectedBy: number, intervalMs: number): number {
  if (!(expectedBy <= until)) return 0;
  const firstUnheard = expectedBy >= since ? 0 : Math.ceil((since - expectedBy) / intervalMs);
  const lastUnheard = Math.floor((until - expectedBy) / intervalMs);
  const unheard = lastUnheard - firstUnheard + 1;
  const blindMs = until - since;
  return unheard <= 0 ? blindMs : Math.max(blindMs, (unheard + 1) * intervalMs);
}
