/** From the losses that strike one link to what happens to it, one thing after the other. */
import type { Loss } from './enact.ts';
import type { StoryEvent } from './story.ts';

/**
 * Losses that touch or overlap are one: the link is back when the last of them is over, and in between it is as
 * bad as the worst of them.
 */
export function linkEvents(losses: readonly Loss[], startAtMs: number): StoryEvent[] {
  const mine = losses
    .filter(({ fromMs, toMs }) => toMs > startAtMs && toMs > fromMs)
    .map((loss) => ({ ...loss, fromMs: Math.max(loss.fromMs, startAtMs) }));
  const instants = [...new Set(mine.flatMap(({ fromMs, toMs }) => [fromMs, toMs]))].sort((a, b) => a - b);
  const events: StoryEvent[] = [];
  let present: Loss | undefined;
  for (const atMs of instants) {
    const worst = worstOf(mine.filter(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs));
    if (worst === undefined) events.push({ atMs, action: 'link-up', cause: 'link-back' });
    else if (present === undefined || present.way !== worst.way) {
      const way = worst.way === undefined ? {} : { way: worst.way };
      events.push({ atMs, action: 'link-down', cause: worst.cause, ...way });
    }
    present = worst;
  }
  return events;
}

/** A link that is gone is worse than one on which packets vanish; two ways lost are worse than one. */
function worstOf(losses: readonly Loss[]): Loss | undefined {
  const gone = losses.find(({ way }) => way === undefined);
  const [first] = losses;
  if (gone !== undefined || first === undefined) return gone;
  const ways = new Set(losses.map(({ way }) => way));
  return { ...first, way: ways.size > 1 ? 'both' : first.way };
}
