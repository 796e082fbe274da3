import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { State, Transition } from '@slowbeat/detector-service/detector';
import fc from 'fast-check';
import { compareUptime, type MeasuredUptime } from './compare-uptime.ts';
import type { TruthLine } from './truth.ts';

const window = { from: 0, to: 1000 };
const d1 = { device: 'd1', deviceClass: 'meter' };

const truth = (t: number, alive: boolean): TruthLine => ({
  t,
  device: 'd1',
  class: 'meter',
  alive,
  link: true,
  cause: alive ? 'recovery' : 'crash',
});

const verdict = (at: number, to: State): Transition => ({
  ...d1,
  from: 'unknown',
  to,
  at,
  noticedAt: at,
  reason: 'heard',
  phi: 0,
});

test('the difference is detection time, late recovery, and time that was not judged', () => {
  const rows = compareUptime(
    [truth(0, true), truth(400, false), truth(700, true)],
    [
      verdict(10, 'alive'),
      verdict(430, 'suspect'),
      verdict(460, 'dead'),
      verdict(725, 'alive'),
      verdict(990, 'unknown'),
    ],
    [{ ...d1, upMs: 715, downMs: 265, unknownMs: 20 }],
    window,
  );
  assert.deepEqual(rows, [
    {
      ...d1,
      trueUpMs: 700,
      trueDownMs: 300,
      trueUptimePercent: 70,
      measuredUpMs: 715,
      measuredDownMs: 265,
      measuredUptimePercent: (100 * 715) / 980,
      detectionLagMs: 60,
      falselyDownMs: 25,
      notJudgedMs: 20,
      unexplainedUpMs: 0,
      unexplainedDownMs: 0,
    },
  ]);
});

test('what the verdicts do not explain is left over', () => {
  const [row] = compareUptime(
    [truth(0, true)],
    [verdict(0, 'alive')],
    [{ ...d1, upMs: 900, downMs: 100, unknownMs: 0 }],
    window,
  );
  assert.deepEqual([row?.unexplainedUpMs, row?.unexplainedDownMs], [-100, 100]);
});

test('a device that was not measured has no row', () => {
  assert.deepEqual(compareUptime([truth(0, true)], [], [], window), []);
});

test('a measurement that says what the verdicts said leaves nothing unexplained', () => {
  const changes = <T>(value: fc.Arbitrary<T>) =>
    fc.array(fc.tuple(fc.integer({ min: 0, max: 1200 }), value), { maxLength: 12 });
  fc.assert(
    fc.property(
      changes(fc.boolean()),
      changes(fc.constantFrom<State>('alive', 'dead', 'unknown', 'unreachable')),
      (lives, verdicts) => {
        const sorted = <T>(list: readonly (readonly [number, T])[]) => [...list].sort((a, b) => a[0] - b[0]);
        const lines = [truth(0, true), ...sorted(lives).map(([t, alive]) => truth(t, alive))];
        const transitions = sorted(verdicts).map(([at, to]) => verdict(at, to));
        const [row] = compareUptime(lines, transitions, [measure(transitions)], window);
        assert.deepEqual([row?.unexplainedUpMs, row?.unexplainedDownMs], [0, 0]);
        assert.equal((row?.trueUpMs ?? 0) + (row?.trueDownMs ?? 0), 1000);
      },
    ),
  );
});

/** Uptime by brute force, millisecond by millisecond. */
function measure(transitions: readonly Transition[]): MeasuredUptime {
  const spent = { alive: 0, dead: 0, unknown: 0 };
  for (let instant = 0; instant < 1000; instant++) {
    const state = transitions.findLast(({ at }) => at <= instant)?.to ?? 'unknown';
    spent[state === 'alive' || state === 'dead' ? state : 'unknown']++;
  }
  return { ...d1, upMs: spent.alive, downMs: spent.dead, unknownMs: spent.unknown };
}
