import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { State, Transition } from '@slowbeat/detector-service/detector';
import { evaluate } from './evaluate.ts';
import { score } from './score.ts';
import type { TruthLine } from './truth.ts';

const window = { from: 0, to: 1000 };

const truth = (t: number, alive: boolean, more: Partial<TruthLine> = {}): TruthLine => ({
  t,
  device: 'd1',
  class: 'meter',
  alive,
  link: true,
  cause: alive ? 'recovery' : 'crash',
  ...more,
});

const verdict = (at: number, from: State, to: State, more: Partial<Transition> = {}): Transition => ({
  device: 'd1',
  deviceClass: 'meter',
  from,
  to,
  at,
  noticedAt: at,
  reason: to === 'dead' ? 'silence' : 'heard',
  phi: 0,
  ...more,
});

const lived = truth(0, true, { cause: 'start' });
const d1 = { device: 'd1', deviceClass: 'meter' };

test('a death is detected at the verdict that follows it, by its instant and by when it was noticed', () => {
  const { deaths, falseDeaths, recoveries } = evaluate(
    [lived, truth(100, false), truth(300, true)],
    [verdict(140, 'suspect', 'dead', { noticedAt: 145 }), verdict(320, 'dead', 'alive')],
    window,
  );
  assert.deepEqual(deaths, [
    { ...d1, cause: 'crash', diedAt: 100, backAt: 300, outcome: 'detected', detectionMs: 40, noticedMs: 45 },
  ]);
  assert.deepEqual(falseDeaths, []);
  assert.deepEqual(recoveries, [{ ...d1, backAt: 300, lagMs: 20 }]);
});

test('a death that was over before a verdict is unnoticed, one that goes on is undetected', () => {
  const { deaths } = evaluate([lived, truth(100, false), truth(130, true), truth(900, false)], [], window);
  assert.deepEqual(
    deaths.map(({ outcome, backAt }) => [outcome, backAt]),
    [
      ['unnoticed', 130],
      ['undetected', undefined],
    ],
  );
});

test('a verdict after the device is back does not detect the death: it is a false one', () => {
  const { deaths, falseDeaths } = evaluate(
    [lived, truth(100, false), truth(130, true)],
    [verdict(150, 'suspect', 'dead')],
    window,
  );
  assert.equal(deaths[0]?.outcome, 'unnoticed');
  assert.deepEqual(falseDeaths, [{ ...d1, at: 150, noticedAt: 150, linkDown: false, restated: false }]);
});

test('a verdict detects the death it was given for, not the next one', () => {
  const { deaths } = evaluate(
    [lived, truth(100, false), truth(200, true), truth(300, false), truth(310, true)],
    [verdict(150, 'suspect', 'dead'), verdict(220, 'dead', 'alive')],
    window,
  );
  assert.deepEqual(
    deaths.map(({ outcome }) => outcome),
    ['detected', 'unnoticed'],
  );
});

test('a false death behind a lost link is told apart from one that could be heard', () => {
  const { falseDeaths } = evaluate(
    [lived, truth(100, true, { link: false, cause: 'link-loss' }), truth(200, true, { cause: 'link-back' })],
    [verdict(150, 'suspect', 'dead'), verdict(210, 'dead', 'alive'), verdict(400, 'suspect', 'dead')],
    window,
  );
  assert.deepEqual(
    falseDeaths.map(({ at, linkDown }) => [at, linkDown]),
    [
      [150, true],
      [400, false],
    ],
  );
});

test('a device that dies while called dead is detected at once', () => {
  const { deaths, falseDeaths } = evaluate(
    [lived, truth(200, false)],
    [verdict(150, 'suspect', 'dead')],
    window,
  );
  assert.deepEqual([deaths[0]?.outcome, deaths[0]?.detectionMs], ['detected', 0]);
  assert.equal(falseDeaths.length, 1);
});

test('an absence by intent is no death, and calling it one is false', () => {
  const { deaths, falseDeaths } = evaluate(
    [lived, truth(100, false, { cause: 'maintenance', planned: true })],
    [verdict(150, 'asleep', 'dead')],
    window,
  );
  assert.equal(deaths.length, 0);
  assert.equal(falseDeaths.length, 1);
});

test('a repeated truth line is no second death', () => {
  const { deaths } = evaluate(
    [lived, truth(100, false), truth(120, false, { link: false, cause: 'gateway-drop' }), truth(300, true)],
    [verdict(150, 'suspect', 'dead')],
    window,
  );
  assert.equal(deaths.length, 1);
  assert.equal(deaths[0]?.backAt, 300);
});

test('a verdict rewritten later was a false alarm all the same, and is marked', () => {
  const { falseDeaths, recoveries } = evaluate(
    [lived, truth(100, true, { link: false, cause: 'link-loss' }), truth(200, true, { cause: 'link-back' })],
    [
      verdict(150, 'suspect', 'dead'),
      verdict(150, 'dead', 'unreachable', { restated: true, noticedAt: 210, reason: 'network-was-down' }),
      verdict(210, 'unreachable', 'alive', { noticedAt: 210 }),
    ],
    window,
  );
  assert.deepEqual(falseDeaths, [{ ...d1, at: 150, noticedAt: 150, linkDown: true, restated: true }]);
  assert.deepEqual(recoveries, []);
});

test('a death restated to end at the boot is detected, and its recovery dates from the boot', () => {
  const { deaths, recoveries } = evaluate(
    [lived, truth(100, false), truth(300, true)],
    [
      verdict(150, 'suspect', 'dead'),
      verdict(305, 'dead', 'alive', { restated: true, noticedAt: 340, reason: 'new-generation' }),
    ],
    window,
  );
  assert.equal(deaths[0]?.outcome, 'detected');
  assert.deepEqual(recoveries, [{ ...d1, backAt: 300, lagMs: 5 }]);
});

test('only what falls into the window is judged', () => {
  const { deaths, falseDeaths } = evaluate(
    [lived, truth(100, false), truth(200, true), truth(600, false), truth(700, true)],
    [verdict(50, 'suspect', 'dead'), verdict(60, 'dead', 'alive'), verdict(640, 'suspect', 'dead')],
    { from: 500, to: 650 },
  );
  assert.deepEqual(
    deaths.map(({ diedAt, backAt, outcome }) => [diedAt, backAt, outcome]),
    [[600, undefined, 'detected']],
  );
  assert.deepEqual(falseDeaths, []);
});

test('the score counts per class and over all, with quantiles of the detection time', () => {
  const lines = Array.from({ length: 20 }, (_, i) => [
    truth(0, true, { device: `d${i}` }),
    truth(100, false, { device: `d${i}` }),
  ]).flat();
  const verdicts = Array.from({ length: 19 }, (_, i) =>
    verdict(101 + i, 'suspect', 'dead', { device: `d${i}` }),
  );
  const pump = { class: 'pump', device: 'p' };
  const [meter, pumps, all] = score(
    evaluate(
      [...lines, truth(0, true, pump), truth(50, true, { ...pump, link: false, cause: 'link-loss' })],
      [...verdicts, verdict(70, 'suspect', 'dead', { deviceClass: 'pump', device: 'p' })],
      window,
    ),
  );
  assert.equal(meter?.deviceClass, 'meter');
  assert.deepEqual([meter?.deaths, meter?.detected, meter?.undetected, meter?.falseDeaths], [20, 19, 1, 0]);
  assert.deepEqual(meter?.detectionMs, { mean: 10, p50: 10, p95: 19, max: 19 });
  assert.deepEqual(
    [pumps?.falseDeaths, pumps?.falseDeathsWithoutLink, pumps?.detectionMs],
    [0, 1, undefined],
  );
  assert.deepEqual([all?.deviceClass, all?.deaths, all?.falseDeathsWithoutLink], [undefined, 20, 1]);
});
