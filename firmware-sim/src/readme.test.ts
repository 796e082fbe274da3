import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NETWORK_KINDS } from './conditions.ts';
import { LINK_QUALITIES } from './link-quality.ts';
import { planStory } from './plan.ts';
import { FAULT_KINDS, parseScenario } from './scenario.ts';
import { truthOf } from './truth.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

const blocks = (language: string): unknown[] =>
  [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, given]) => given === language)
    .map(([, , text]) => JSON.parse(text ?? ''));

test('the scenario in the README can be played, and has the faults it shows', () => {
  const [input, ...others] = blocks('json');
  assert.deepEqual(others, []);
  const { devices, unplaced } = planStory(parseScenario(input), { seed: 1 });
  assert.deepEqual(unplaced, []);
  const causes = new Set(devices.flatMap(({ events }) => events.map(({ cause }) => cause)));
  for (const cause of ['sleep', 'wake', 'crash', 'gateway-drop'] as const)
    assert.ok(causes.has(cause), cause);
});

test('the truth line in the README has the fields of a real one', () => {
  const [line] = blocks('ndjson');
  const scenario = parseScenario({
    name: 'x',
    sites: { south: ['gw'] },
    classes: { meter: { interval: '1s' } },
    timeline: [{ at: '5s', kind: 'crash', class: 'meter' }],
  });
  const crash = truthOf(planStory(scenario, { seed: 1 }), 0).find(({ cause }) => cause === 'crash');
  assert.deepEqual(Object.keys(line as object), Object.keys(crash as object));
});

test('the README tells of every kind of fault', () => {
  for (const kind of FAULT_KINDS) assert.match(readme, new RegExp(`^\\| \`${kind}\` +\\|`, 'm'));
});

test('the README tells of every link quality and every failure of the network', () => {
  for (const name of Object.keys(LINK_QUALITIES)) assert.ok(readme.includes(`\`${name}\``), name);
  for (const kind of NETWORK_KINDS) assert.match(readme, new RegExp(`^\\| \`${kind}\` +\\|`, 'm'));
});
