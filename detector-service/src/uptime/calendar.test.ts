import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextStart, SLOT_LENGTHS, type SlotLength, slotEdges, startOf, TimeZone, UTC } from './calendar.ts';
import { seeded } from './random-fleet.test.support.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BERLIN = new TimeZone('Europe/Berlin');

function shown(edges: readonly number[], zone: TimeZone): string[] {
  return edges.map((at) => zone.format(at));
}

test('a day is 23 hours long where clocks leap ahead and 25 where they fall back', () => {
  const spring = { from: Date.parse('2026-03-28T23:00Z'), to: Date.parse('2026-03-30T22:00Z') };
  assert.deepEqual(shown(slotEdges(spring, 'day', BERLIN), BERLIN), [
    '2026-03-29T00:00:00+01:00',
    '2026-03-30T00:00:00+02:00',
    '2026-03-31T00:00:00+02:00',
  ]);
  const lengths = (from: string, to: string): number[] => {
    const edges = slotEdges({ from: Date.parse(from), to: Date.parse(to) }, 'day', BERLIN);
    return edges.slice(1).map((edge, index) => (edge - (edges[index] as number)) / HOUR_MS);
  };
  assert.deepEqual(lengths('2026-03-28T00:00+01:00', '2026-03-31T00:00+02:00'), [24, 23, 24]);
  assert.deepEqual(lengths('2026-10-24T00:00+02:00', '2026-10-27T00:00+01:00'), [24, 25, 24]);
});

test('the hour that comes twice is two slots, told apart by their offset', () => {
  const window = { from: Date.parse('2026-10-25T01:30+02:00'), to: Date.parse('2026-10-25T03:30+01:00') };
  assert.deepEqual(shown(slotEdges(window, 'hour', BERLIN), BERLIN), [
    '2026-10-25T01:30:00+02:00',
    '2026-10-25T02:00:00+02:00',
    '2026-10-25T02:00:00+01:00',
    '2026-10-25T03:00:00+01:00',
    '2026-10-25T03:30:00+01:00',
  ]);
});

test('months have their own length, weeks begin on Monday, and edges of the window cut', () => {
  const window = { from: Date.parse('2024-01-30T12:00Z'), to: Date.parse('2024-03-02T00:00Z') };
  assert.deepEqual(shown(slotEdges(window, 'month', UTC), UTC), [
    '2024-01-30T12:00:00Z',
    '2024-02-01T00:00:00Z',
    '2024-03-01T00:00:00Z',
    '2024-03-02T00:00:00Z',
  ]);
  const week = { from: Date.parse('2026-11-20T00:00Z'), to: Date.parse('2026-11-30T00:00Z') };
  assert.deepEqual(shown(slotEdges(week, 'week', UTC), UTC), [
    '2026-11-20T00:00:00Z',
    '2026-11-23T00:00:00Z',
    '2026-11-30T00:00:00Z',
  ]);
});

test('a day that does not exist, and a midnight that does not, are leapt over', () => {
  const apia = new TimeZone('Pacific/Apia'); // went from 29 to 31 December 2011
  const window = { from: Date.parse('2011-12-29T00:00-10:00'), to: Date.parse('2012-01-01T00:00+14:00') };
  assert.deepEqual(shown(slotEdges(window, 'day', apia), apia), [
    '2011-12-29T00:00:00-10:00',
    '2011-12-31T00:00:00+14:00',
    '2012-01-01T00:00:00+14:00',
  ]);
  const cairo = new TimeZone('Africa/Cairo'); // clocks leap from 0:00 to 1:00
  assert.equal(
    cairo.format(nextStart(Date.parse('2026-04-23T12:00Z'), 'day', cairo)),
    '2026-04-24T01:00:00+03:00',
  );
});

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Africa/Cairo',
  'America/Havana',
  'Pacific/Chatham',
  'America/Asuncion',
];

for (const name of ZONES) {
  test(`every beginning of a slot is where the wall clock's reading turns, minute by minute: ${name}`, () => {
    const zone = new TimeZone(name);
    const random = seeded(7);
    for (let n = 0; n < 12; n++) {
      // Most of the time around the changes of clocks in spring and autumn.
      const middle = Date.UTC(2026, [2, 3, 8, 9, 10][n % 5] as number, 1 + Math.floor(random() * 30));
      const from = middle + Math.floor(random() * 1440) * MINUTE_MS;
      const window = { from, to: from + 3 * DAY_MS };
      for (const by of SLOT_LENGTHS) {
        assert.deepEqual(
          slotEdges(window, by, zone),
          scanned(window, by, zone),
          `${by} from ${zone.format(from)}`,
        );
      }
    }
  });
}

/** Brute force: a slot begins where the reading, cut to the slot's precision, differs from a minute before. */
function scanned({ from, to }: { from: number; to: number }, by: SlotLength, zone: TimeZone): number[] {
  const digits = { hour: 13, day: 10, week: 10, month: 7 }[by];
  const readings = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone.name,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  const reading = (at: number): string => {
    const offset = by === 'hour' ? zone.offsetMs(at) : 0;
    return readings.format(at).slice(0, digits) + offset;
  };
  const edges = [from];
  let before = reading(from);
  for (let at = from + MINUTE_MS; at < to; at += MINUTE_MS) {
    const now = reading(at);
    const isMonday = by !== 'week' || new Date(`${now.slice(0, 10)}T00:00Z`).getUTCDay() === 1;
    if (now !== before && isMonday) edges.push(at);
    before = now;
  }
  return [...edges, to];
}

test('the beginning of a slot is the last one at or before an instant', () => {
  const random = seeded(11);
  for (const name of ZONES) {
    const zone = new TimeZone(name);
    for (let n = 0; n < 200; n++) {
      const at = Date.UTC(2026, 0, 1) + Math.floor(random() * 365 * DAY_MS);
      for (const by of SLOT_LENGTHS) {
        const start = startOf(at, by, zone);
        assert.ok(
          start <= at && nextStart(start, by, zone) > at,
          `${name} ${by} ${new Date(at).toISOString()}`,
        );
      }
    }
  }
});

test('an unknown zone and a window of countless slots are refused', () => {
  assert.throws(() => new TimeZone('Mars/Olympus'), RangeError);
  assert.throws(() => slotEdges({ from: 0, to: 40_000 * HOUR_MS }, 'hour', UTC), /more than 36525 slots/);
});
