/**
 * Hours, days, weeks and months as people in a time zone count them.
 *
 * A day is 23 or 25 hours long where clocks change, an hour may come twice, and a zone may be half an hour off:
 * so slots are found by asking what a clock on the wall says, never by adding 24 hours.
 */
import type { Window } from './selection.ts';

export const SLOT_LENGTHS = ['hour', 'day', 'week', 'month'] as const;

/** A week begins on Monday (ISO 8601). */
export type SlotLength = (typeof SLOT_LENGTHS)[number];

/** More slots than this in one window are a mistake: 100 years of days, 4 years of hours. */
export const SLOTS_MAX = 36_525;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A time zone of the IANA database, `UTC` or `Europe/Berlin`. */
export class TimeZone {
  readonly name: string;
  readonly #clock: Intl.DateTimeFormat;

  /** @throws RangeError when there is no such zone. */
  constructor(name: string) {
    const numeric = '2-digit';
    this.#clock = new Intl.DateTimeFormat('en-GB-u-ca-iso8601', {
      timeZone: name,
      era: 'short',
      year: 'numeric',
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
      hourCycle: 'h23',
    });
    this.name = name;
  }

  /** What a clock on the wall shows at an instant, as the epoch milliseconds at which a clock in UTC shows it. */
  wallClock(at: number): number {
    if (this.name === 'UTC') return at;
    const wholeSecond = Math.floor(at / 1000) * 1000;
    const shown = new Map<string, string>();
    for (const { type, value } of this.#clock.formatToParts(wholeSecond)) shown.set(type, value);
    const part = (type: string): number => Number(shown.get(type));
    const wall = new Date(0);
    wall.setUTCFullYear(part('year'), part('month') - 1, part('day'));
    wall.setUTCHours(part('hour'), part('minute'), part('second'));
    return wall.getTime() + (at - wholeSecond);
  }

  /** How far wall clocks are ahead of UTC at an instant. */
  offsetMs(at: number): number {
    return this.wallClock(at) - at;
  }

  /**
   * The instant at which wall clocks show `wall`: the first one when they show it twice, and the instant of the
   * change when they leap over it.
   */
  instant(wall: number): number {
    if (this.name === 'UTC') return wall;
    const before = wall - this.offsetMs(wall - DAY_MS);
    const after = wall - this.offsetMs(wall + DAY_MS);
    const fits = [before, after].filter((at) => this.wallClock(at) === wall);
    return fits.length > 0 ? Math.min(...fits) : this.#leapOver(wall, Math.min(before, after) - DAY_MS);
  }

  /** The first instant at which the clock shows more than `wall`, which it never shows. */
  #leapOver(wall: number, start: number): number {
    let low = start;
    let high = start + 3 * DAY_MS;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.wallClock(middle) >= wall) high = middle;
      else low = middle;
    }
    return high;
  }

  /** `2026-10-25T02:30:00+01:00`: as on the wall, with the offset that tells the two hours of a change apart. */
  format(at: number): string {
    const offsetMs = this.offsetMs(at);
    const wall = new Date(at + offsetMs).toISOString().replace(/\.000Z$|Z$/, '');
    if (offsetMs === 0) return `${wall}Z`;
    const minutes = Math.round(Math.abs(offsetMs) / 60_000);
    const two = (number: number): string => String(number).padStart(2, '0');
    return `${wall}${offsetMs < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  }
}

export const UTC = new TimeZone('UTC');

/**
 * The window's edges and every beginning of a slot between them, in order: n + 1 instants for n slots. The first
 * and the last slot are cut off by the window where they lie across its edges.
 * @throws RangeError for more than {@link SLOTS_MAX} slots.
 */
export function slotEdges({ from, to }: Window, by: SlotLength, zone: TimeZone): number[] {
  const edges = [from];
  for (let at = nextStart(from, by, zone); at < to; at = nextStart(at, by, zone)) {
    edges.push(at);
    if (edges.length > SLOTS_MAX) {
      throw new RangeError(`more than ${SLOTS_MAX} slots: take longer ones than ${by}s, or a shorter window`);
    }
  }
  edges.push(to);
  return edges;
}

/** The first beginning of a slot after an instant. */
export function nextStart(at: number, by: SlotLength, zone: TimeZone): number {
  const wall = zone.wallClock(at);
  if (by === 'hour') return at + HOUR_MS - modulo(wall, HOUR_MS);
  // Where clocks fall back over midnight, a day's beginning may not lie after `at` yet.
  for (let start = following(wall, by); ; start = following(start, by)) {
    const instant = zone.instant(start);
    if (instant > at) return instant;
  }
}

/** The last beginning of a slot at or before an instant. */
export function startOf(at: number, by: SlotLength, zone: TimeZone): number {
  const wall = zone.wallClock(at);
  if (by === 'hour') return at - modulo(wall, HOUR_MS);
  const date = new Date(wall);
  const day =
    date.getUTCDate() -
    (by === 'week' ? modulo(date.getUTCDay() - 1, 7) : by === 'month' ? date.getUTCDate() - 1 : 0);
  return zone.instant(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), day));
}

/** The wall clock's next midnight that begins a slot. */
function following(wall: number, by: 'day' | 'week' | 'month'): number {
  const date = new Date(wall);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (by === 'month') return Date.UTC(year, month + 1, 1);
  return Date.UTC(year, month, day + (by === 'week' ? 7 - modulo(date.getUTCDay() - 1, 7) : 1));
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
