/** How time adds up along a device's verdicts. */
import { availability, type Reason, type Transition } from '../detector/transition.ts';
import type { StatePoint } from './state-line.ts';
import type { Counted, Verdict } from './verdict-history.ts';

/** φ is unbounded and line protocol is not; 308 is −log10 of the smallest normal double. */
const PHI_MAX = 308;

type PointContent = Omit<StatePoint, 'deviceClass' | 'device' | 'site'>;

/** A verdict from its instant to the next one, and what had been counted in its life when it began. */
export interface Span {
  readonly verdict: Verdict;
  readonly counted: Counted;
  /** Instant of the next verdict; infinite for the newest. */
  readonly endsAt: number;
  /** The span before, when the device moved to another site between the two. */
  readonly movedFrom?: Span | undefined;
}

/** What a transition says, written at `at`; a device whose site is not told stays where it was. */
export function verdictOf(transition: Transition, at: number, formerSite: string | undefined): Verdict {
  const phi = Math.min(Math.max(transition.phi || 0, 0), PHI_MAX);
  return {
    at,
    bumpedMs: at - transition.at,
    state: transition.to,
    reason: transition.reason,
    phi: Math.round(phi * 1000) / 1000,
    site: transition.site || formerSite,
  };
}

/** The instant that was asked for, before the verdict had to stay behind another. */
export function requestedAt(verdict: Verdict): number {
  return verdict.at - verdict.bumpedMs;
}

/** True when a verdict is already what a transition wants to make it. */
export function says(verdict: Verdict, transition: Transition): boolean {
  return (
    requestedAt(verdict) === transition.at &&
    verdict.state === transition.to &&
    verdict.reason === transition.reason
  );
}

/** Lays out consecutive verdicts, the oldest first; `counted` stands at the beginning of the first. */
export function spansOf(verdicts: readonly Verdict[], counted: Counted): Span[] {
  const spans: Span[] = [];
  for (const [index, verdict] of verdicts.entries()) {
    const endsAt = verdicts[index + 1]?.at ?? Number.POSITIVE_INFINITY;
    const before = spans[index - 1];
    if (before === undefined) {
      spans.push({ verdict, counted, endsAt });
      continue;
    }
    const moved = before.verdict.site !== verdict.site && before.verdict.state !== 'retired';
    if (moved || before.verdict.state === 'retired') {
      const previousMs = verdict.at - before.verdict.at;
      const fresh = { ...newLife(before.verdict.state), previousMs };
      spans.push({ verdict, counted: fresh, endsAt, movedFrom: moved ? before : undefined });
    } else {
      spans.push({ verdict, counted: countedAt(before, verdict.at), endsAt });
    }
  }
  return spans;
}

/** What has been counted at the first verdict of a life: nothing. */
export function newLife(previous: Counted['previous']): Counted {
  return { upMs: 0, downMs: 0, unknownMs: 0, seq: 1, previous, previousMs: 0 };
}

/** What has been counted when the next verdict of the same life begins at `at`. */
function countedAt({ verdict, counted }: Span, at: number): Counted {
  return {
    ...advanced(verdict, counted, at - verdict.at),
    seq: counted.seq + 1,
    previous: verdict.state,
    previousMs: at - verdict.at,
  };
}

/** The same counts some time later. */
function advanced(verdict: Verdict, counted: Counted, byMs: number): Counted {
  const counts = availability(verdict.state, verdict.reason as Reason);
  return {
    upMs: counted.upMs + (counts === 1 ? byMs : 0),
    downMs: counted.downMs + (counts === 0 ? byMs : 0),
    unknownMs: counted.unknownMs + (counts === -1 ? byMs : 0),
    seq: counted.seq,
    previous: counted.previous,
    previousMs: counted.previousMs,
  };
}

/** The point that says the verdict itself. */
export function verdictPoint({ verdict, counted }: Span, rev: number | undefined): PointContent {
  return content(verdict, counted, verdict.at, rev === undefined ? undefined : 0, rev);
}

/** The verdict carried forward to a midnight: everything as it was, the totals as they are then. */
export function checkpointPoint(
  { verdict, counted }: Span,
  at: number,
  rev: number | undefined,
): PointContent {
  const heldMs = at - verdict.at;
  return content(verdict, advanced(verdict, counted, heldMs), at, heldMs, rev);
}

/**
 * The point at a site that the device left at `leftAt`: from then on nothing is known of it there. It is written at
 * that instant, and over the checkpoints that the site already had when the move became known.
 */
export function farewellPoint(span: Span, leftAt: number, at: number, rev: number | undefined): PointContent {
  const left: Verdict = { ...span.verdict, state: 'retired', reason: 'moved', phi: 0, bumpedMs: 0 };
  const heldMs = at - leftAt;
  const then = countedAt(span, leftAt);
  const totals = { ...advanced(left, then, heldMs), seq: span.counted.seq };
  return content(left, totals, at, rev !== undefined || heldMs > 0 ? heldMs : undefined, rev);
}

/** Undoes {@link checkpointPoint} and {@link verdictPoint}: the verdict behind a point that was read back. */
export function spanBehind(point: StatePoint): { verdict: Verdict; counted: Counted } {
  const heldMs = point.heldMs ?? 0;
  const verdict: Verdict = {
    at: point.at - heldMs,
    bumpedMs: point.bumpedMs ?? 0,
    state: point.status,
    reason: point.reason,
    phi: point.phi,
    site: point.site,
  };
  const then = { upMs: point.upTotalMs, downMs: point.downTotalMs, unknownMs: point.unknownTotalMs };
  const { seq, previous, previousMs } = point;
  const counted: Counted = { ...then, seq, previous, previousMs };
  return { verdict, counted: advanced(verdict, counted, -heldMs) };
}

/** Written out field by field: most points are made here, and spreading objects takes most of their time. */
function content(
  verdict: Verdict,
  counted: Counted,
  at: number,
  heldMs: number | undefined,
  rev: number | undefined,
): PointContent {
  return {
    at,
    availability: availability(verdict.state, verdict.reason as Reason),
    status: verdict.state,
    previous: counted.previous,
    previousMs: counted.previousMs,
    upTotalMs: counted.upMs,
    downTotalMs: counted.downMs,
    unknownTotalMs: counted.unknownMs,
    seq: counted.seq,
    phi: verdict.phi,
    reason: verdict.reason as StatePoint['reason'],
    heldMs,
    bumpedMs: verdict.bumpedMs,
    rev,
  };
}
