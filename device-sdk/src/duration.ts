/**
 * Durations as people write them: `90s`, `1h30m`, `1d`, `500ms`.
 *
 * Strict on purpose: whole numbers with a unit each, larger units first, each at most once. A bare number has no
 * unit to be sure of, and a negative duration is always a mistake.
 */
import { DeviceError } from './errors.ts';

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

// Each unit is optional; "m" must not be the beginning of "ms".
const PATTERN = /^(?:(\d{1,15})d)?(?:(\d{1,15})h)?(?:(\d{1,15})m(?!s))?(?:(\d{1,15})s)?(?:(\d{1,15})ms)?$/;

/**
 * Milliseconds of a duration such as `1h30m`.
 *
 * @throws DeviceError `invalid-duration` for anything else, also for more milliseconds than a number holds exactly.
 */
export function parseDuration(text: string): number {
  const amounts = text === '' ? null : PATTERN.exec(text);
  if (amounts === null) {
    throw new DeviceError(
      'invalid-duration',
      `${JSON.stringify(text.slice(0, 40))} is not a duration; write a number and a unit, such as 500ms, 90s, 15m, 1h30m or 1d`,
    );
  }
  const ms = UNITS.reduce((sum, [, unitMs], index) => sum + Number(amounts[index + 1] ?? 0) * unitMs, 0);
  if (!Number.isSafeInteger(ms)) {
    throw new DeviceError('invalid-duration', `${JSON.stringify(text)} is too long a duration`);
  }
  return ms;
}

/**
 * The shortest text that `parseDuration` reads back as the same number: `formatDuration(5_400_000)` is `1h30m`.
 *
 * @throws RangeError when `ms` is not a whole, non-negative number of milliseconds.
 */
export function formatDuration(ms: number): string {
  if (!Number.isSafeInteger(ms) || ms < 0) {
    throw new RangeError(`${ms} is not a whole, non-negative number of milliseconds`);
  }
  let rest = ms;
  let text = '';
  for (const [unit, unitMs] of UNITS) {
    const amount = Math.floor(rest / unitMs);
    rest -= amount * unitMs;
    if (amount > 0) text += `${amount}${unit}`;
  }
  return text === '' ? '0s' : text;
}
