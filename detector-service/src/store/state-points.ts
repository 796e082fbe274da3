/** Which points of a device have to be written when something about its verdicts is new. */
import { checkpointPoint, farewellPoint, type Span, verdictPoint } from './life.ts';
import type { StatePoint } from './state-line.ts';
import { DAY_MS, nextMidnight } from './utc-day.ts';

/** A gap of more midnights than this is a clock that jumped; only the last ones get checkpoints. */
const CHECKPOINTS_IN_A_ROW_MAX = 400;

/** The `rev` of what a point says now, when its instant has been written before. */
export type RevOf = (at: number) => number | undefined;

export interface PointsWanted {
  readonly from: number;
  /** The last midnight that has, or is to have, a checkpoint. */
  readonly coveredTo: number;
  readonly revOf: RevOf;
  /** Set when a verdict is new. */
  readonly newVerdictAt?: number | undefined;
}

export interface PlacedPoint {
  readonly site: string | undefined;
  readonly point: Omit<StatePoint, 'deviceClass' | 'device' | 'site'>;
}

/**
 * Every point of a device from an instant to its last checkpoint, as its history now has it. A farewell is among
 * them when the move is new, or something before it has changed.
 */
export function pointsFrom(spans: readonly Span[], wanted: PointsWanted): PlacedPoint[] {
  const { from, coveredTo, revOf, newVerdictAt } = wanted;
  const points: PlacedPoint[] = [];
  for (const span of spans) {
    const { verdict, movedFrom, endsAt } = span;
    const after = Math.max(verdict.at, from - 1);
    if (movedFrom && (verdict.at === newVerdictAt || movedFrom.verdict.at >= from)) {
      const written = midnightsIn(after, coveredTo, coveredTo).filter((at) => revOf(at) !== undefined);
      for (const at of [verdict.at, ...written]) {
        points.push({
          site: movedFrom.verdict.site,
          point: farewellPoint(movedFrom, verdict.at, at, revOf(at)),
        });
      }
    }
    if (verdict.at >= from) points.push({ site: verdict.site, point: verdictPoint(span, revOf(verdict.at)) });
    for (const at of midnightsIn(after, Math.min(coveredTo, endsAt - 1), coveredTo)) {
      points.push({ site: verdict.site, point: checkpointPoint(span, at, revOf(at)) });
    }
  }
  return points;
}

/** Midnights with after < midnight ≤ last, but of a very long row up to `covered` only the last ones. */
function midnightsIn(after: number, last: number, covered: number): number[] {
  const midnights: number[] = [];
  const first = nextMidnight(Math.max(after, covered - CHECKPOINTS_IN_A_ROW_MAX * DAY_MS));
  for (let at = first; at <= last; at += DAY_MS) midnights.push(at);
  return midnights;
}
