export { freshnessModel } from './by-name.ts';
export { type ChenRequirements, configureChen } from './chen.ts';
export {
  type Deadlines,
  type Explanation as LearnedExplanation,
  type FreshnessModel,
  type Gap,
  LAYOUT,
  type Plan,
} from './freshness-model.ts';
