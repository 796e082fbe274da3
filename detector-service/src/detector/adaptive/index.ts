export { type AdaptiveKnobs, AdaptiveModel } from './adaptive-model.ts';
export { BertierModel } from './bertier.ts';
export { type ChenKnobs, ChenModel, type ChenRequirements, configureChen } from './chen.ts';
export {
  consul,
  type FixedKnobs,
  FixedModel,
  kubernetes,
  sentinel,
  zigbeeBattery,
  zigbeeMains,
} from './fixed.ts';
export type { Deadlines, Explanation, FreshnessModel, Gap, Plan } from './freshness-model.ts';
export { MeanDeviationModel } from './mean-deviation.ts';
export { MissedModel } from './missed.ts';
export { akka, type PhiKnobs, PhiModel } from './phi.ts';
export { cassandra, type PhiExponentialKnobs, PhiExponentialModel } from './phi-exponential.ts';
