/** The kinds of value a scenario is written in, and how a mistake in one is told. */
import { parseDuration } from '@slowbeat/device-sdk';
import { isName, NAME_RULE } from '@slowbeat/device-sdk/protocol';
import * as z from 'zod';

/** Shortest and longest, milliseconds; one draw lies between. */
export type Span = readonly [shortestMs: number, longestMs: number];

const DURATION_RULE = 'must be a duration such as 500ms, 90s or 1h30m';

/** Text such as `90s` on the way in, milliseconds on the way out. */
export const durationMs = z.string({ error: DURATION_RULE }).transform((text, context) => {
  try {
    return parseDuration(text);
  } catch {
    context.addIssue({ code: 'custom', message: `${DURATION_RULE}, not "${text}"` });
    return z.NEVER;
  }
});

/** A duration that is longer than nothing. */
export const positiveMs = durationMs.refine((ms) => ms > 0, {
  error: 'must be longer than nothing',
  abort: true,
});

/** One duration, or the shortest and the longest. */
export const spanMs = z
  .union([z.string(), z.tuple([z.string(), z.string()])], {
    error: `${DURATION_RULE}, or the shortest and the longest: [5s, 20s]`,
  })
  .transform((value) => (typeof value === 'string' ? ([value, value] as const) : value))
  .pipe(z.tuple([positiveMs, positiveMs]))
  .refine(([shortest, longest]) => shortest <= longest, { error: 'the shortest comes first', abort: true })
  .transform((span): Span => span);

export const nameText = z.string().refine(isName, NAME_RULE);

export const probability = z.number().min(0).max(1);

/** Adds a mistake that only shows when the whole scenario is looked at. */
export function refuse(context: z.RefinementCtx, path: PropertyKey[], message: string): void {
  // Checks that look across the whole scenario wait until its parts are right.
  context.addIssue({ code: 'custom', path, message, continue: false });
}

export function unknownName(what: string, given: string, known: object): string {
  return `no ${what} "${given}"; there are: ${Object.keys(known).join(', ') || 'none'}`;
}
