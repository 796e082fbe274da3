import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { planStory } from './plan.ts';
import { parseScenario } from './scenario.ts';
import { builtinScenario, listScenarios } from './scenarios/index.ts';
import { byClass, type TruthLine, truthOf, truthUptime } from './truth.ts';

const builtins = listScenarios().map(({ name }) => parseScenario(builtinScenario(name)));

const line = (t: number, alive: boolean, more: Partial<TruthLine> = {}): TruthLine => ({
  t,
  device: 'd1',
  class: 'meter',
  alive,
  link: true,
  cause: alive ? 'recovery' : 'crash',
  ...more,
});

test('a line has the fields of the trace format first, and no empty ones', () => {
  const story = planStory(
    parseScenario({
      name: 'x',
      devices: 1,
      classes: { meter: { interval: '1s' } },
      timeline: [{ at: '5s', kind: 'crash', class: 'meter' }],
    }),
    { seed: 1 },
  );
  assert.equal(
    JSON.stringify(truthOf(story, 1000)[1]),
    '{"t":6000,"device":"meter-1","class":"meter","alive":false,"link":true,"cause":"crash"}',
  );
});

test('the truth of a story is sorted by time', () => {
  fc.assert(
    fc.property(fc.constantFrom(...builtins), fc.nat(), (scenario, seed) => {
      const instants = truthOf(planStory(scenario, { seed }), 0).map(({ t }) => t);
      assert.deepEqual(
        instants,
        [...instants].sort((a, b) => a - b),
      );
    }),
    { numRuns: 30 },
  );
});

test('up, down and out always sum to the window', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...builtins),
      fc.nat(),
      fc.integer({ min: 0, max: 200_000 }),
      fc.integer({ min: 1, max: 200_000 }),
      (scenario, seed, from, lengthMs) => {
        const rows = truthUptime(truthOf(planStory(scenario, { seed }), 0), { from, to: from + lengthMs });
        for (const { upMs, downMs, outMs } of rows) {
          assert.ok(Math.abs(upMs + downMs + outMs - lengthMs) < 1e-6);
          assert.ok(upMs >= 0 && downMs >= 0 && outMs >= 0);
        }
      },
    ),
    { numRuns: 30 },
  );
});

test('a dead device is down, a stopped one out, one that sleeps or lost its link up', () => {
  const truth = [
    line(10, true, { cause: 'start' }),
    line(20, true, { cause: 'sleep' }),
    line(30, true, { link: false, cause: 'gateway-drop' }),
    line(40, false),
    line(55, true),
    line(70, false, { cause: 'maintenance', planned: true }),
  ];
  const expected = { deviceClass: 'meter', device: 'd1', upMs: 45, downMs: 15, outMs: 40 };
  assert.deepEqual(truthUptime(truth, { from: 0, to: 100 }), [expected]);
  assert.deepEqual(truthUptime(truth, { from: 50, to: 60 }), [{ ...expected, upMs: 5, downMs: 5, outMs: 0 }]);
});

test('devices of one name in two classes are two devices; rows add up by class', () => {
  const truth = [
    line(0, true),
    line(0, true, { class: 'pump' }),
    line(0, true, { device: 'd2' }),
    line(50, false, { class: 'pump' }),
  ];
  const rows = truthUptime(truth, { from: 0, to: 100 });
  assert.equal(rows.length, 3);
  assert.deepEqual(byClass(rows), [
    { deviceClass: 'meter', upMs: 200, downMs: 0, outMs: 0 },
    { deviceClass: 'pump', upMs: 50, downMs: 50, outMs: 0 },
  ]);
});
