/**
 * A fixed timeout, as in Kubernetes' node lease (40 s for beats of 10 s), Consul's TTL checks and Redis
 * Sentinel's down-after-milliseconds. The plain baseline: learns nothing.
 */
import { type FreshnessModel, type Plan, piecewisePhi } from './freshness-model.ts';

export interface FixedKnobs {
  readonly timeoutMs: number;
  readonly suspectAfterMs: number;
}

export function fixedModel({ timeoutMs, suspectAfterMs }: FixedKnobs): FreshnessModel {
  // An announced longer silence is added: a timeout speaks of the usual interval only.
  const extraMs = (plan: Plan) => Math.max(0, plan.expectedInMs - plan.intervalMs);
  return {
    layout: 'fixed/1',
    slots: 0,
    init() {},
    learn() {},
    freshness(_state, _base, plan, out) {
      out.suspectMs = Math.min(suspectAfterMs, timeoutMs) + extraMs(plan);
      out.deadMs = timeoutMs + extraMs(plan);
    },
    phi(_state, _base, plan, silenceMs) {
      return piecewisePhi(
        silenceMs,
        Math.min(suspectAfterMs, timeoutMs) + extraMs(plan),
        timeoutMs + extraMs(plan),
      );
    },
    explain: () => ({ timeoutMs, suspectAfterMs }),
  };
}
