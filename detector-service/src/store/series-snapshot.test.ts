import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reason, State, Transition } from '../detector/transition.ts';
import { seeded } from '../uptime/random-fleet.test.support.ts';
import { FleetSeries } from './fleet-series.ts';
import { parsePoint } from './line-protocol.ts';
import { JOURNAL_START } from './position.ts';
import { decodeSeries, encodeSeries } from './series-snapshot.ts';

const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 10, 20, 20);
/** Some blocks, the last of them not full. */
const DEVICES = 10_000;
const VERDICTS: readonly (readonly [State, Reason])[] = [
  ['alive', 'heard'],
  ['suspect', 'late'],
  ['dead', 'silence'],
  ['retired', 'retired'],
];

function transition(device: number, at: number, [to, reason]: readonly [State, Reason]): Transition {
  const about = { deviceClass: 'meter', device: `d${device}`, site: `s${device % 3}` };
  return { ...about, from: 'unknown', to, reason, at, noticedAt: at, phi: 0 };
}

/** What counts of a line: heartbeats after the snapshot are rightly forgotten. */
function times(line: string): string {
  const { measurement, tags, fields, at } = parsePoint(line) ?? {};
  const { up_ms, down_ms, unknown_ms, transitions, state_end } = fields ?? {};
  const slot = [
    measurement,
    tags?.device,
    tags?.site,
    at,
    up_ms,
    down_ms,
    unknown_ms,
    transitions,
    state_end,
  ];
  return measurement === 'device_state' ? line : slot.map(String).join(' ');
}

for (const seed of [1, 2]) {
  test(`a snapshot made while verdicts come, slots close and devices leave is made good by the journal, seed ${seed}`, () => {
    const random = seeded(seed);
    const before = new FleetSeries();
    before.hears(START);
    for (let device = 0; device < DEVICES; device++)
      before.record(transition(device, START, ['alive', 'first-seen']));
    // What the journal gets behind the snapshot's position.
    const journal: string[] = [];
    const blocks: Uint8Array[] = [];
    let now = START + HOUR_MS / 2;
    for (const block of encodeSeries(before, now, JOURNAL_START)) {
      blocks.push(block);
      now += 1.4 * HOUR_MS;
      journal.push(...[...before.closeSlots(now)].flat());
      journal.push(...[...before.checkpoint(now)].flat());
      for (let count = 0; count < 3000; count++) {
        const device = Math.floor(random() * DEVICES * 1.1);
        const verdict = VERDICTS[Math.floor(random() * VERDICTS.length)] as (typeof VERDICTS)[number];
        journal.push(...before.record(transition(device, now + count, verdict)));
      }
    }
    assert.ok(blocks.length > 4);
    const after = new FleetSeries();
    decodeSeries(after, Buffer.concat(blocks));
    // Days are not read back: they close with their last hours.
    for (const line of journal) assert.ok(line.startsWith('device_1d') || after.recall(line), line);
    after.resume(now);
    assert.equal(after.rows.size, before.rows.size);
    now += HOUR_MS;
    const lines = [before, after].map((series) => {
      const closed = [...series.closeSlots(now)].flat().filter((line) => line.startsWith('device_'));
      const verdicts = Array.from({ length: DEVICES }, (_, device) =>
        series.record(transition(device, now + 1, ['dead', 'silence'])),
      );
      return [...closed.sort(), ...verdicts.flat()].map(times);
    });
    assert.ok((lines[0] as string[]).length > DEVICES);
    assert.deepEqual(lines[1], lines[0]);
  });
}

test('a snapshot that is damaged anywhere, or ends too soon, is refused', () => {
  const series = new FleetSeries();
  series.record(transition(1, START, ['alive', 'first-seen']));
  const whole = Buffer.concat([...encodeSeries(series, START, JOURNAL_START)]);
  for (let at = 0; at < whole.length; at += 7) {
    const broken = Buffer.from(whole);
    broken[at] = (broken[at] as number) ^ 64;
    assert.throws(() => decodeSeries(new FleetSeries(), broken), { code: 'snapshot-unreadable' }, `${at}`);
    assert.throws(() => decodeSeries(new FleetSeries(), whole.subarray(0, at)), {
      code: 'snapshot-unreadable',
    });
  }
});
