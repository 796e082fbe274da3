/** How the time of a slot divides among up, down and unknown, and among the sites a device was at. */
import { availability, type Reason, type State } from '../detector/transition.ts';
import type { Verdict } from './verdict-history.ts';

/** A device's share of a slot at one site. The shares of all its sites together are the slot. */
export interface SlotShare {
  readonly site: string | undefined;
  upMs: number;
  downMs: number;
  unknownMs: number;
  /** Verdicts that became true in the slot. */
  transitions: number;
  /** `retired` at a site that it left. */
  stateEnd: State;
}

/** What a slot held before the oldest verdict that is known in it, at that verdict's site. */
export type ShareBefore = Pick<SlotShare, 'upMs' | 'downMs' | 'unknownMs' | 'transitions'>;

/**
 * Shares of the slot from `from` to `to` by consecutive verdicts, the oldest first.
 * @param before for the slot in which the oldest verdict began
 * @returns none when the device was not known in the slot
 */
export function slotShares(
  verdicts: readonly Verdict[],
  before: ShareBefore,
  from: number,
  to: number,
): SlotShare[] {
  const shares: SlotShare[] = [];
  let share: SlotShare | undefined;
  for (const [index, { at, state, reason, site }] of verdicts.entries()) {
    if (at >= to) break;
    const endsAt = Math.min(to, verdicts[index + 1]?.at ?? to);
    if (endsAt <= from) continue;
    if (share === undefined || share.site !== site) {
      if (share !== undefined) share.stateEnd = 'retired';
      share = shareAt(shares, site);
      if (index === 0 && at > from) addBefore(share, before);
    }
    addTime(share, availability(state, reason as Reason), endsAt - Math.max(from, at));
    if (at >= from) share.transitions++;
    share.stateEnd = state;
  }
  return shares;
}

/** True when a device was retired all through a slot: nobody asks for it then. */
export function isRetired([share, ...others]: readonly SlotShare[]): boolean {
  return (
    share?.stateEnd === 'retired' &&
    share.transitions === 0 &&
    others.length === 0 &&
    share.upMs + share.downMs === 0
  );
}

export function sameShare(one: SlotShare, other: SlotShare | undefined): boolean {
  return (
    other !== undefined &&
    one.upMs === other.upMs &&
    one.downMs === other.downMs &&
    one.unknownMs === other.unknownMs &&
    one.transitions === other.transitions &&
    one.stateEnd === other.stateEnd
  );
}

export function addTime(share: ShareBefore, counts: 1 | 0 | -1, ms: number): void {
  const times = share as { -readonly [K in keyof ShareBefore]: number };
  if (counts === 1) times.upMs += ms;
  else if (counts === 0) times.downMs += ms;
  else times.unknownMs += ms;
}

/** A device that comes back to a site within a slot goes on with its share there. */
function shareAt(shares: SlotShare[], site: string | undefined): SlotShare {
  const known = shares.find((share) => share.site === site);
  if (known !== undefined) return known;
  const fresh = { site, upMs: 0, downMs: 0, unknownMs: 0, transitions: 0, stateEnd: 'unknown' } as const;
  const share: SlotShare = { ...fresh };
  shares.push(share);
  return share;
}

function addBefore(share: SlotShare, before: ShareBefore): void {
  share.upMs += before.upMs;
  share.downMs += before.downMs;
  share.unknownMs += before.unknownMs;
  share.transitions += before.transitions;
}
