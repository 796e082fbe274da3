/** Dead after K beats missed in a row, suspect after one: the rule of thumb that most fleets start with. */
import { type FreshnessModel, type Plan, piecewisePhi } from './freshness-model.ts';

/** A beat is missed when it is this part of an interval late: covers jitter that was not announced. */
const GRACE = 0.25;

export function missedModel({ missedBeats }: { readonly missedBeats: number }): FreshnessModel {
  const missedAfterMs = (plan: Plan, beats: number) =>
    plan.expectedInMs + (beats - 1 + GRACE) * plan.intervalMs;
  return {
    layout: 'missed/1',
    slots: 0,
    init() {},
    learn() {},
    freshness(_state, _base, plan, out) {
      out.suspectMs = missedAfterMs(plan, 1);
      out.deadMs = missedAfterMs(plan, missedBeats);
    },
    phi(_state, _base, plan, silenceMs) {
      return piecewisePhi(silenceMs, missedAfterMs(plan, 1), missedAfterMs(plan, missedBeats));
    },
    explain: () => ({ missedBeats, graceIntervals: GRACE }),
  };
}
