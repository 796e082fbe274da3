/** One fleet to be played: what is sent to a worker, and what comes back. Plain data both. */

import { coreFamilies } from './core-families.ts';
import { type CoreOutcome, playCore } from './core-outcome.ts';
import { linkFamilies } from './link-families.ts';
import { type LinkOutcome, playLinks } from './link-outcome.ts';

export interface Job {
  readonly family: string;
  readonly seed: number;
  readonly scale: number;
  /** Whether the baselines run beside the adaptive model. */
  readonly compares: boolean;
}

export type Outcome = { readonly links: LinkOutcome } | { readonly core: CoreOutcome };

export function perform({ family, seed, scale, compares }: Job): Outcome {
  const links = linkFamilies[family];
  if (links !== undefined) return { links: playLinks(links.draw(seed, scale), seed, compares) };
  const core = coreFamilies[family];
  if (core !== undefined) return { core: playCore(core, seed, scale) };
  throw new Error(`there is no family ${family}`);
}
