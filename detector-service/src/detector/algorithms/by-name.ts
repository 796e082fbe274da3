import type { ClassConfig } from '../class-config.ts';
import { AdaptiveModel } from './adaptive-model.ts';
import { BertierModel } from './bertier.ts';
import { ChenModel } from './chen.ts';
import { FixedModel } from './fixed.ts';
import type { FreshnessModel } from './freshness-model.ts';
import { MeanDeviationModel } from './mean-deviation.ts';
import { MissedModel } from './missed.ts';
import { akka, PhiModel } from './phi.ts';
import { cassandra, PhiExponentialModel } from './phi-exponential.ts';

/** Arrivals that Chen's estimate averages over. */
const CHEN_WINDOW = 1000;

/** The model of a class, by the algorithm it names. */
export function freshnessModel(config: ClassConfig): FreshnessModel {
  const { phiThreshold: threshold, marginMs } = config;
  switch (config.algorithm) {
    case 'adaptive':
      return new AdaptiveModel(config);
    case 'fixed':
      return new FixedModel(config);
    case 'missed':
      return new MissedModel(config);
    case 'mean-deviation':
      return new MeanDeviationModel();
    case 'chen':
      return new ChenModel({ marginMs, window: CHEN_WINDOW });
    case 'bertier':
      return new BertierModel();
    case 'phi':
      return new PhiModel({ ...akka, threshold });
    case 'phi-exponential':
      return new PhiExponentialModel({ ...cassandra, threshold });
  }
}
