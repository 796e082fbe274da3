/** How time adds up along a device's verdicts. */
import { availability, type Reason } from '../detector/transition.ts';
import type { StatePoint } from './state-line.ts';
import type { Counted, Verdict } from './verdict-history.ts';

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

function advanced(verdict: Verdict, counted: Counted, byMs: number) {
  const counts = availability(verdict.state, verdict.reason as Reason);
  return {
    upMs: counted.upMs + (counts === 1 ? byMs : 0),
    downMs: counted.downMs + (counts === 0 ? byMs : 0),
    unknownMs: counted.unknownMs + (counts === -1 ? byMs : 0),
  };
}

/** The point that says the verdict itself. */
export function verdictPoint({ verdict, counted }: Span, restated: boolean): PointContent {
  return { ...content(verdict, counted), at: verdict.at, heldMs: restated ? 0 : undefined, restated };
}

/** The verdict carried forward to a midnight: everything as it was, the totals as they are then. */
export function checkpointPoint({ verdict, counted }: Span, at: number, restated: boolean): PointContent {
  const heldMs = at - verdict.at;
  return { ...content(verdict, { ...counted, ...advanced(verdict, counted, heldMs) }), at, heldMs, restated };
}

/**
 * The point at a site that the device left at `leftAt`: from then on nothing is known of it there. It is written at
 * that instant, and over the checkpoints that the site already had when the move became known.
 */
export function farewellPoint(span: Span, leftAt: number, at: number, restated: boolean): PointContent {
  const left: Verdict = { ...span.verdict, state: 'retired', reason: 'moved', phi: 0, bumpedMs: 0 };
  const heldMs = at - leftAt;
  const then = countedAt(span, leftAt);
  const totals = { ...then, ...advanced(left, then, heldMs), seq: span.counted.seq };
  return { ...content(left, totals), at, heldMs: restated || heldMs > 0 ? heldMs : undefined, restated };
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
  return { verdict, counted: { ...counted, ...advanced(verdict, counted, -heldMs) } };
}

function content(verdict: Verdict, counted: Counted): Omit<PointContent, 'at'> {
  return {
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
    bumpedMs: verdict.bumpedMs,
  };
}
