/** The algorithms by name. */
import { adaptiveModel } from './adaptive.ts';
import type { ClassConfig } from './class-config.ts';
import { fixedModel } from './fixed.ts';
import type { FreshnessModel } from './freshness-model.ts';
import { missedModel } from './missed.ts';

export function freshnessModel(config: ClassConfig): FreshnessModel {
  switch (config.algorithm) {
    case 'fixed':
      return fixedModel(config);
    case 'missed':
      return missedModel(config);
    case 'adaptive':
      return adaptiveModel(config);
  }
}
