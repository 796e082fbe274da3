/** How silence that proves nothing moves a device's deadlines. */

/**
 * How far blind time moves a device's expectation and its dead point.
 *
 * A device not due before the end needs no shift: we hear its next beat or we do not. One that was due has perhaps
 * beaten unheard; the next beat we can hear comes whole intervals later, and since its announcement was lost with
 * the unheard one, the dead point allows it one interval more.
 */
export function blindShift(
  since: number,
  until: number,
  expectedBy: number,
  intervalMs: number,
): { expectedMs: number; deadMs: number } {
  if (!(expectedBy <= until)) return { expectedMs: 0, deadMs: 0 };
  const firstUnheard = expectedBy >= since ? 0 : Math.ceil((since - expectedBy) / intervalMs);
  const lastUnheard = Math.floor((until - expectedBy) / intervalMs);
  const unheard = lastUnheard - firstUnheard + 1;
  const blindMs = until - since;
  if (unheard <= 0) return { expectedMs: blindMs, deadMs: blindMs };
  const expectedMs = Math.max(blindMs, unheard * intervalMs);
  return { expectedMs, deadMs: Math.max(blindMs, (unheard + 1) * intervalMs) };
}
