import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LINK_QUALITIES } from './link-quality.ts';
import { parseScenario, ScenarioError } from './scenario.ts';
import { builtinScenario, listScenarios } from './scenarios/index.ts';

const small = { name: 'small', classes: { meter: { interval: '2s' } } };

const mistakes = (input: unknown): readonly string[] => {
  try {
    parseScenario(input);
  } catch (error) {
    assert.ok(error instanceof ScenarioError);
    return error.mistakes;
  }
  throw new assert.AssertionError({ message: 'the scenario was accepted' });
};

test('the smallest scenario is a name and a class with an interval', () => {
  const { classes, devices, durationMs } = parseScenario(small);
  assert.deepEqual({ devices, durationMs }, { devices: 20, durationMs: 60_000 });
  assert.deepEqual(classes.meter, {
    share: 1,
    intervalMs: 2000,
    jitter: 0.1,
    connection: 'persistent',
    qos: 1,
    encoding: 'json',
    sites: [],
    faults: [],
    links: [{ share: 1, quality: LINK_QUALITIES.lan }],
    clock: { driftPpm: 0, skewMs: 0 },
    detector: {},
  });
});

test('a class hangs at every site unless it names its own', () => {
  const { classes } = parseScenario({
    name: 'sites',
    sites: { north: ['gw-1'], south: [] },
    classes: { meter: { interval: '2s' }, pump: { interval: '2s', sites: ['south'] } },
  });
  assert.deepEqual([classes.meter?.sites, classes.pump?.sites], [['north', 'south'], ['south']]);
});

test('durations are text with units; a fault lasts so long or between two lengths', () => {
  const { timeline } = parseScenario({
    ...small,
    timeline: [
      { at: '1m30s', kind: 'crash', class: 'meter', for: ['5s', '10s'] },
      { at: '0s', kind: 'hang', class: 'meter', for: '7s' },
      { at: '0s', kind: 'crash', class: 'meter' },
    ],
  });
  assert.deepEqual(
    timeline.map(({ atMs, forMs }) => [atMs, forMs]),
    [
      [90_000, [5000, 10_000]],
      [0, [7000, 7000]],
      [0, undefined],
    ],
  );
});

for (const [what, input, expected] of [
  ['a bare number for a duration', { ...small, duration: 30 }, /^duration: must be a duration such as/],
  [
    'a duration without a unit',
    { ...small, duration: '30' },
    /^duration: must be a duration such as .*not "30"/,
  ],
  [
    'an interval of nothing',
    { name: 'x', classes: { m: { interval: '0s' } } },
    /^classes\.m\.interval: must be longer/,
  ],
  ['no class', { name: 'x', classes: {} }, /^classes: needs a class/],
  ['an unknown key', { ...small, speed: 2 }, /speed/],
  ['a name that no topic may hold', { ...small, name: 'a/b' }, /^name: must start with a letter/],
  [
    'a class name that no topic may hold',
    { name: 'x', classes: { 'a b': { interval: '1s' } } },
    /must start with a letter/,
  ],
  [
    'a class that does not exist',
    { ...small, timeline: [{ at: '1s', kind: 'crash', class: 'pump' }] },
    /^timeline\[0\]\.class: no class "pump"; there are: meter/,
  ],
  [
    'a gateway that does not exist',
    { ...small, gatewayDrops: [{ gateway: 'gw', at: '1s', for: '1s' }] },
    /^gatewayDrops\[0\]\.gateway: no gateway "gw"; there are: none/,
  ],
  [
    'a gateway at two sites',
    { ...small, sites: { a: ['gw'], b: ['gw'] } },
    /^sites: a gateway stands at one site only/,
  ],
  [
    'a site that does not exist',
    { name: 'x', classes: { m: { interval: '1s', sites: ['moon'] } } },
    /^classes\.m\.sites\[0\]: no site "moon"/,
  ],
  [
    'a fault without what it needs',
    { ...small, timeline: [{ at: '1s', kind: 'sleep', class: 'meter' }] },
    /^timeline\[0\]\.for: a sleep needs it/,
  ],
  [
    'a fault with what it cannot take',
    { name: 'x', classes: { m: { interval: '1s', faults: [{ kind: 'crash', every: '1s', times: 2 }] } } },
    /^classes\.m\.faults\[0\]\.times: a crash does not take it/,
  ],
  [
    'a fault of no known kind',
    { name: 'x', classes: { m: { interval: '1s', faults: [{ kind: 'fire', every: '1s' }] } } },
    /^classes\.m\.faults\[0\]\.kind: must be one of crash, reboot/,
  ],
  [
    'the longest before the shortest',
    { ...small, timeline: [{ at: '1s', kind: 'crash', class: 'meter', for: ['9s', '2s'] }] },
    /^timeline\[0\]\.for: the shortest comes first/,
  ],
  ['nothing at all', undefined, /./],
] as const) {
  test(`refuses ${what} and says where`, () => {
    const lines = mistakes(input);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0] ?? '', expected);
  });
}

test('every mistake is told at once', () => {
  assert.equal(mistakes({ name: '-', classes: { m: { interval: 'soon', jitter: 2 } } }).length, 3);
});

test('every built-in scenario is valid, described, and found by the name it lists', () => {
  const listed = listScenarios();
  assert.ok(listed.length >= 6);
  for (const { name, description } of listed) {
    assert.ok(description.length > 20);
    assert.equal(parseScenario(builtinScenario(name)).name, name);
  }
});

test('an unknown built-in is refused with the names of those that exist', () => {
  assert.throws(() => builtinScenario('dmeo'), {
    code: 'unknown-scenario',
    message: /"dmeo"; there are: demo, /,
  });
});

test('a link is one of the known qualities, several by weight, or like one with some values changed', () => {
  const { classes } = parseScenario({
    name: 'links',
    links: { damp: { like: 'mesh', loss: 0.3, bursts: { every: '1h', for: '1m', loss: 0.9, shape: 1.5 } } },
    classes: {
      meter: { interval: '2s', link: 'wifi' },
      probe: { interval: '2s', link: { damp: 3, edge: 1 } },
    },
  });
  assert.deepEqual(classes.meter?.links, [{ share: 1, quality: LINK_QUALITIES.wifi }]);
  const bursts = { everyMs: 3_600_000, forMs: 60_000, loss: 0.9, shape: 1.5 };
  assert.deepEqual(classes.probe?.links, [
    { share: 3, quality: { ...LINK_QUALITIES.mesh, loss: 0.3, bursts } },
    { share: 1, quality: LINK_QUALITIES.edge },
  ]);
});

test('what cannot be meant of links and of the network is refused with its path', () => {
  const wrong = {
    ...small,
    sites: { north: ['gw-1'] },
    classes: { meter: { interval: '2s', link: 'wire' } },
    network: [
      { kind: 'partition', at: '1s', for: '1s', site: 'south' },
      { kind: 'partition', at: '1s', for: '1s', gateway: 'gw-2' },
    ],
  };
  assert.deepEqual(mistakes(wrong), [
    'network[0].site: no site "south"; there are: north',
    'network[1].gateway: no gateway "gw-2"; there are: gw-1',
    'classes.meter.link: no link "wire"; there are: lan, wifi, cellular, mesh, lpwan, edge',
  ]);
  const when = { kind: 'monitor-blind', for: '1s' };
  const both = { ...when, at: '1s', every: '1s' };
  const each = { kind: 'partition', each: 'site', at: '1s', for: '1s' };
  assert.deepEqual(mistakes({ ...small, network: [when, both, each] }), [
    'network[0].at: takes either at or every',
    'network[1].at: takes either at or every',
    'network[2].each: goes with every',
  ]);
});
