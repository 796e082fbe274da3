/** How wrong the clocks of a class go. Written in a scenario as `clock: { drift: 200, skew: 1m }`. */
import * as z from 'zod';
import { durationMs, positiveMs, type Span, spanMs } from './scenario-fields.ts';

export interface ClockError {
  /** Each device's clock runs at 1 ± up to so many millionths of true speed, the same for life. */
  readonly driftPpm: number;
  /** Each device's wall clock is set wrong by up to so much, either way. */
  readonly skewMs: number;
  /** Its wall clock leaps, ahead or back, on average once per `everyMs`. */
  readonly steps?: { readonly everyMs: number; readonly byMs: Span } | undefined;
}

export const PERFECT_CLOCK: ClockError = { driftPpm: 0, skewMs: 0 };

export const clockSchema = z
  .strictObject({
    drift: z.number().min(0).max(100_000).default(0),
    skew: durationMs.default(0),
    steps: z
      .strictObject({ every: positiveMs, by: spanMs })
      .transform(({ every, by }) => ({ everyMs: every, byMs: by }))
      .optional(),
  })
  .transform(({ drift, skew, steps }): ClockError => ({ driftPpm: drift, skewMs: skew, steps }));
