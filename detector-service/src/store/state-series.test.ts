import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { State, Transition } from '../detector/transition.ts';
import { RandomFleet } from '../uptime/random-fleet.test.support.ts';
import type { JournalReader } from './journal-reader.ts';
import { parseStateLine, type StatePoint } from './state-line.ts';
import { createStateSeries } from './state-series.ts';
import { DAY_MS, dayName } from './utc-day.ts';

const HOUR_MS = 3_600_000;
/** A Friday, six in the morning UTC. */
const START = Date.UTC(2026, 10, 20, 6);
const MIDNIGHT = Date.UTC(2026, 10, 21);

function verdict(to: State, at: number, rest: Partial<Transition> = {}): Transition {
  const reason = to === 'dead' ? 'silence' : to === 'retired' ? 'retired' : 'heard';
  return {
    device: 'd1',
    deviceClass: 'meter',
    from: 'unknown',
    to,
    at,
    noticedAt: at,
    phi: 1.23456,
    reason,
    ...rest,
  };
}

function pointsIn(lines: Iterable<string>): StatePoint[] {
  return [...lines].flatMap((line) => parseStateLine(line) ?? []);
}

/** Lines that lie in one segment, as a journal gives them. */
function readerOf(segments: Record<string, readonly string[]>): JournalReader {
  return {
    segments: async () => Object.keys(segments).sort(),
    async *read(from, to) {
      for (const segment of Object.keys(segments).sort()) {
        if ((from && segment < from.segment) || (to && segment > to.segment)) continue;
        yield { lines: [...(segments[segment] ?? [])], end: { segment, offset: 0 }, damaged: 0 };
      }
    },
    async *readSeries() {},
    async *readStates() {},
  };
}

test('a verdict is one line with totals that tell all the time before it', () => {
  const series = createStateSeries();
  assert.deepEqual(series.record(verdict('alive', START, { reason: 'first-seen', site: 'north' })), [
    `device_state,class=meter,device=d1,site=north state=1i,status="alive",prev="unknown",prev_ms=0i,up_total_ms=0i,down_total_ms=0i,unknown_total_ms=0i,seq=1i,phi=1.235,reason="first-seen" ${START}`,
  ]);
  assert.deepEqual(series.record(verdict('dead', START + 5000)), [
    `device_state,class=meter,device=d1,site=north state=0i,status="dead",prev="alive",prev_ms=5000i,up_total_ms=5000i,down_total_ms=0i,unknown_total_ms=0i,seq=2i,phi=1.235,reason="silence" ${START + 5000}`,
  ]);
  const [back] = pointsIn(series.record(verdict('alive', START + 12_000)));
  assert.deepEqual([back?.upTotalMs, back?.downTotalMs, back?.unknownTotalMs], [5000, 7000, 0]);
});

test('the same verdict again writes nothing', () => {
  const series = createStateSeries();
  assert.equal(series.record(verdict('alive', START)).length, 1);
  assert.deepEqual(series.record(verdict('alive', START)), []);
});

test('a verdict that is not later than the one before moves one millisecond behind it, and says so', () => {
  const series = createStateSeries();
  series.record(verdict('alive', START));
  const [same] = pointsIn(series.record(verdict('dead', START)));
  assert.deepEqual([same?.at, same?.bumpedMs], [START + 1, 1]);
  const [earlier] = pointsIn(series.record(verdict('alive', START - 10_000)));
  assert.deepEqual([earlier?.at, earlier?.bumpedMs], [START + 2, 10_002]);
  assert.equal(series.counters().bumped, 2);
});

test('a verdict beyond midnights is preceded by their checkpoints', () => {
  const series = createStateSeries();
  series.record(verdict('alive', START));
  const points = pointsIn(series.record(verdict('dead', MIDNIGHT + DAY_MS + 1)));
  assert.deepEqual(
    points.map(({ at, status, upTotalMs, seq, heldMs }) => ({ at, status, upTotalMs, seq, heldMs })),
    [
      { at: MIDNIGHT, status: 'alive', upTotalMs: 18 * HOUR_MS, seq: 1, heldMs: 18 * HOUR_MS },
      { at: MIDNIGHT + DAY_MS, status: 'alive', upTotalMs: 42 * HOUR_MS, seq: 1, heldMs: 42 * HOUR_MS },
      { at: MIDNIGHT + DAY_MS + 1, status: 'dead', upTotalMs: 42 * HOUR_MS + 1, seq: 2, heldMs: undefined },
    ],
  );
});

test('a verdict at midnight is its own checkpoint', () => {
  const series = createStateSeries();
  series.record(verdict('alive', START));
  assert.deepEqual(
    pointsIn(series.record(verdict('dead', MIDNIGHT))).map(({ at }) => at),
    [MIDNIGHT],
  );
  assert.deepEqual(pointsIn([...series.checkpoints(MIDNIGHT + HOUR_MS)].flat()), []);
});

test('quiet devices are carried over midnight once, retired ones never', () => {
  const series = createStateSeries();
  series.record(verdict('alive', START));
  series.record(verdict('retired', START, { device: 'd2' }));
  const lines = [...series.checkpoints(MIDNIGHT + 5)].flat();
  assert.deepEqual(
    pointsIn(lines).map(({ device, at }) => [device, at]),
    [['d1', MIDNIGHT]],
  );
  assert.equal(lines.at(-1), `state_checkpoint devices=1i ${MIDNIGHT}`);
  assert.deepEqual([...series.checkpoints(MIDNIGHT + 6)], []);
  assert.equal(series.counters().devices, 1);
});

test('a verdict that comes after the checkpoint it precedes restates it in place', () => {
  const series = createStateSeries();
  series.record(verdict('alive', START));
  void [...series.checkpoints(MIDNIGHT)];
  const points = pointsIn(series.record(verdict('dead', MIDNIGHT - HOUR_MS, { noticedAt: MIDNIGHT + 5 })));
  assert.deepEqual(
    points.map(({ at, status, downTotalMs, rev }) => ({ at, status, downTotalMs, rev })),
    [
      { at: MIDNIGHT - HOUR_MS, status: 'dead', downTotalMs: 0, rev: undefined },
      { at: MIDNIGHT, status: 'dead', downTotalMs: HOUR_MS, rev: MIDNIGHT + 5 },
    ],
  );
});

test('a death restated as unreachable moves its time from down to unknown, in every point after it', () => {
  const series = createStateSeries();
  series.record(verdict('alive', START));
  series.record(verdict('dead', START + 1000));
  series.record(verdict('alive', START + 4000));
  const lines = series.record(
    verdict('unreachable', START + 1000, {
      reason: 'network-was-down',
      restated: true,
      from: 'dead',
      noticedAt: START + 9000,
    }),
  );
  assert.deepEqual(
    pointsIn(lines).map(({ at, status, previous, downTotalMs, unknownTotalMs, seq, rev }) => ({
      at: at - START,
      status,
      previous,
      downTotalMs,
      unknownTotalMs,
      seq,
      rev,
    })),
    [
      {
        at: 1000,
        status: 'unreachable',
        previous: 'alive',
        downTotalMs: 0,
        unknownTotalMs: 0,
        seq: 2,
        rev: START + 9000,
      },
      {
        at: 4000,
        status: 'alive',
        previous: 'unreachable',
        downTotalMs: 0,
        unknownTotalMs: 3000,
        seq: 3,
        rev: START + 9000,
      },
    ],
  );
});

test('a verdict that ended within 25 hours can be restated however many followed, up to 64', () => {
  const series = createStateSeries();
  for (let n = 0; n < 64; n++) series.record(verdict(n % 2 ? 'alive' : 'dead', START + n * 1000));
  const lines = series.record(verdict('unreachable', START, { restated: true, noticedAt: START + DAY_MS }));
  assert.equal(pointsIn(lines).length, 64);
  const last = pointsIn(lines).at(-1);
  assert.deepEqual([last?.upTotalMs, last?.downTotalMs, last?.unknownTotalMs], [31_000, 31_000, 1000]);
});

test('a restatement of what ended more than 25 hours ago is counted and writes nothing', () => {
  const series = createStateSeries();
  series.record(verdict('dead', START));
  series.record(verdict('alive', START + 1000));
  series.record(verdict('dead', START + 1000 + 25 * HOUR_MS));
  assert.deepEqual(series.record(verdict('unreachable', START, { restated: true })), []);
  assert.equal(series.counters().restatementsTooOld, 1);
});

test('the verdict in force can be restated however old it is', () => {
  const series = createStateSeries();
  series.record(verdict('alive', START - 1000));
  series.record(verdict('dead', START));
  void [...series.checkpoints(START + 20 * DAY_MS)];
  const lines = series.record(
    verdict('unreachable', START, { restated: true, noticedAt: START + 20 * DAY_MS + 1 }),
  );
  assert.equal(pointsIn(lines).length, 21);
  assert.ok(pointsIn(lines).every(({ downTotalMs, rev }) => downTotalMs === 0 && rev !== undefined));
});

test('a device that moves says farewell at its old site and begins at zero at the new one', () => {
  const series = createStateSeries();
  series.record(verdict('alive', START));
  const [farewell, arrival] = pointsIn(series.record(verdict('dead', START + 1000, { site: 'north' })));
  assert.deepEqual(
    [farewell?.site, farewell?.reason, farewell?.availability, farewell?.upTotalMs, farewell?.at],
    [undefined, 'moved', -1, 1000, START + 1000],
  );
  assert.deepEqual(
    [arrival?.site, arrival?.status, arrival?.upTotalMs, arrival?.seq, arrival?.at],
    ['north', 'dead', 0, 1, START + 1000],
  );
});

test('φ without bound is written as a number that line protocol has', () => {
  const series = createStateSeries();
  assert.equal(
    pointsIn(series.record(verdict('dead', START, { phi: Number.POSITIVE_INFINITY })))[0]?.phi,
    308,
  );
  assert.equal(
    pointsIn(series.record(verdict('dead', START + 1, { phi: Number.NaN, reason: 'will' })))[0]?.phi,
    0,
  );
});

test('an instant that is no whole millisecond is refused', () => {
  assert.throws(() => createStateSeries().record(verdict('dead', 0.5)), RangeError);
});

test('a clock that began in 1970 does not write a checkpoint for every day since', () => {
  const series = createStateSeries();
  series.record(verdict('alive', 0));
  assert.equal(series.record(verdict('dead', START)).length, 401);
});

test('after a stop of a week devices come back from the newest complete checkpoint', async () => {
  const before = createStateSeries();
  const friday = [
    ...before.record(verdict('alive', START, { site: 'north' })),
    ...before.record(verdict('dead', START, { device: 'd2' })),
  ];
  const saturday = [
    ...[...before.checkpoints(MIDNIGHT)].flat(),
    ...before.record(verdict('dead', MIDNIGHT + 5)),
  ];
  const after = createStateSeries();
  // A short life on Monday was killed before it could write a checkpoint.
  await after.load(readerOf({ '2026-11-20': friday, '2026-11-21': saturday, '2026-11-23': [] }));
  const latest = [...after.latest()].sort((a, b) => (a.device < b.device ? -1 : 1));
  assert.deepEqual(
    latest.map(({ device, state, at, site, reason }) => ({ device, state, at, site, reason })),
    [
      { device: 'd1', state: 'dead', at: MIDNIGHT + 5, site: 'north', reason: 'silence' },
      { device: 'd2', state: 'dead', at: START, site: undefined, reason: 'silence' },
    ],
  );
  const points = pointsIn([...after.checkpoints(MIDNIGHT + 7 * DAY_MS)].flat());
  assert.equal(points.length, 14);
  const last = points.find(({ device, at }) => device === 'd2' && at === MIDNIGHT + 7 * DAY_MS);
  assert.equal(last?.downTotalMs, 18 * HOUR_MS + 7 * DAY_MS);
});

for (const seed of [1, 2, 3, 4, 123, 129]) {
  test(`a restart changes no byte of what is written after it, seed ${seed}`, async () => {
    const fleet = new RandomFleet(seed, 30);
    const steady = createStateSeries();
    let restarted = createStateSeries();
    const journal: Record<string, string[]> = {};
    for (const event of fleet.events(2500, 500_000)) {
      if (event.kind === 'restart') {
        restarted = createStateSeries();
        await restarted.load(readerOf(journal));
        continue;
      }
      const isVerdict = event.kind === 'verdict';
      const lines = isVerdict
        ? steady.record(event.transition)
        : [...steady.checkpoints(event.now)].flat().sort();
      const again = isVerdict
        ? restarted.record(event.transition)
        : [...restarted.checkpoints(event.now)].flat().sort();
      assert.deepEqual(again, lines);
      const segment = dayName(event.now);
      journal[segment] = [...(journal[segment] ?? []), ...lines];
    }
  });
}
