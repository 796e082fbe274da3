import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { planStory } from './plan.ts';
import { parseScenario } from './scenario.ts';
import { builtinScenario, listScenarios } from './scenarios/index.ts';
import type { StoryEvent } from './story.ts';

const builtins = listScenarios().map(({ name }) => parseScenario(builtinScenario(name)));
const aBuiltin = fc.constantFrom(...builtins);
const aSize = fc.integer({ min: 1, max: 80 });

/** Everything at once, often, so that few runs see every overlap. */
const stormy = parseScenario({
  name: 'stormy',
  devices: 30,
  duration: '5m',
  sites: { a: ['gw-1', 'gw-2'] },
  gatewayFaults: { every: '1m', for: ['5s', '30s'] },
  classes: {
    meter: {
      interval: '2s',
      faults: [
        { kind: 'crash', every: '1m', for: ['5s', '20s'] },
        { kind: 'hang', every: '1m', for: '10s' },
        { kind: 'sleep', every: '1m', for: '10s', oversleep: 0.3, deadFor: '5s' },
        { kind: 'maintenance', every: '2m', for: ['5s', '10s'] },
        { kind: 'stop', every: '2m', for: '5s' },
        { kind: 'retire', every: '20m' },
        { kind: 'link-loss', every: '1m', for: ['1s', '20s'] },
        { kind: 'flapping', every: '1m', times: 4, for: ['100ms', '2s'], pause: ['100ms', '2s'] },
      ],
    },
  },
});

test('the same seed gives the same story; another seed another', () => {
  fc.assert(
    fc.property(aBuiltin, aSize, fc.nat(), (scenario, devices, seed) => {
      assert.deepEqual(planStory(scenario, { devices, seed }), planStory(scenario, { devices, seed }));
    }),
    { numRuns: 30 },
  );
  assert.notDeepEqual(planStory(stormy, { seed: 1 }).devices, planStory(stormy, { seed: 2 }).devices);
});

test('a device that is added changes no other story where nothing is scripted', () => {
  fc.assert(
    fc.property(aSize, fc.nat(), (devices, seed) => {
      const smaller = planStory(stormy, { devices, seed });
      const larger = planStory(stormy, { devices: devices + 1, seed });
      assert.deepEqual(larger.devices.slice(0, devices), smaller.devices);
    }),
    { numRuns: 20 },
  );
});

test('a prefix renames the devices and changes no story', () => {
  const events = (prefix: string) => planStory(stormy, { seed: 3, prefix }).devices.map((one) => one.events);
  assert.deepEqual(events('lab-'), events(''));
});

test('only what can happen to a device happens: it dies alive, boots dead, and is called back once', () => {
  fc.assert(
    fc.property(fc.constantFrom(stormy, ...builtins), fc.nat(), (scenario, seed) => {
      for (const { device, events } of planStory(scenario, { seed }).devices) assertPossible(device, events);
    }),
    { numRuns: 40 },
  );
});

function assertPossible(device: string, events: readonly StoryEvent[]): void {
  let state: 'off' | 'running' | 'asleep' | 'retired' = 'off';
  let link = 'working';
  let lastMs = 0;
  for (const { atMs, action, forMs, way = 'gone' } of events) {
    const told: string = `${device} at ${atMs}: ${action} while ${state}, link ${link}`;
    assert.ok(atMs >= lastMs, told);
    assert.notEqual(state, 'retired', told);
    lastMs = atMs;
    if (action === 'link-down' || action === 'link-up') {
      const next = action === 'link-up' ? 'working' : way;
      assert.notEqual(link, next, told);
      link = next;
    } else if (action === 'boot') {
      assert.notEqual(state, 'running', told);
      state = 'running';
    } else if (action === 'oversleep') {
      assert.equal(state, 'asleep', told);
      state = 'off';
    } else {
      assert.equal(state, 'running', told);
      if (action === 'sleep' || action === 'maintenance') assert.ok((forMs ?? 0) > 0, told);
      state = action === 'retire' ? 'retired' : action === 'sleep' ? 'asleep' : 'off';
    }
  }
}

test('a sleeper wakes at the instant it announced, or oversleeps at it', () => {
  const nights = planStory(stormy, { seed: 5 }).devices.flatMap(({ events }) =>
    events.flatMap((event, i) => {
      if (event.action !== 'sleep') return [];
      const next = events.slice(i + 1).find(({ action }) => action === 'boot' || action === 'oversleep');
      return next === undefined
        ? []
        : [{ action: next.action, lateMs: next.atMs - event.atMs - (event.forMs ?? 0) }];
    }),
  );
  assert.ok(
    nights.some(({ action }) => action === 'boot') && nights.some(({ action }) => action === 'oversleep'),
  );
  for (const { lateMs } of nights) assert.equal(lateMs, 0);
});

test('a dropped gateway takes the link of all its devices, and of no other, at the same instant', () => {
  const story = planStory(parseScenario(builtinScenario('gateway-outage')), { seed: 1 });
  for (const { gateway, events } of story.devices) {
    const losses = events.filter(({ cause }) => cause === 'gateway-drop').map(({ atMs }) => atMs);
    const expected = { 'gw-east-1': [40_000], 'gw-west-2': [120_000] }[gateway ?? ''] ?? [];
    assert.deepEqual(losses, expected);
  }
});

test('faults come by chance at about their rate', () => {
  const scenario = parseScenario({
    name: 'rate',
    classes: { meter: { interval: '1s', faults: [{ kind: 'reboot', every: '1h', for: '1s' }] } },
  });
  const { devices } = planStory(scenario, { devices: 200, seed: 1, durationMs: 10 * 3_600_000 });
  const reboots = devices.flatMap(({ events }) => events.filter(({ cause }) => cause === 'reboot')).length;
  // Poisson with mean 2,000: five standard deviations are 224.
  assert.ok(Math.abs(reboots - 2000) < 224, `${reboots} reboots`);
});

test('a scripted fault that finds too few free devices is told', () => {
  const scenario = parseScenario({
    name: 'crowded',
    devices: 3,
    classes: { meter: { interval: '1s' } },
    timeline: [
      { at: '5s', kind: 'crash', class: 'meter', count: 2 },
      { at: '6s', kind: 'hang', class: 'meter', count: 2 },
    ],
  });
  assert.deepEqual(planStory(scenario, { seed: 1 }).unplaced, [
    'hang at 6 s asks for 2 of meter; 1 were free',
  ]);
});

test('the demo tells its whole story within 45 s, whatever the seed', () => {
  const demo = parseScenario(builtinScenario('demo'));
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const story = planStory(demo, { seed });
      assert.deepEqual(story.unplaced, []);
      assert.equal(story.durationMs, 45_000);
      const causes = new Set(story.devices.flatMap(({ events }) => events.map(({ cause }) => cause)));
      for (const cause of [
        'crash',
        'hang',
        'sleep',
        'wake',
        'overslept',
        'recovery',
        'gateway-drop',
      ] as const) {
        assert.ok(causes.has(cause), `${cause} is missing with seed ${seed}`);
      }
    }),
    { numRuns: 100 },
  );
});
