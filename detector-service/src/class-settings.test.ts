import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { classesSchema } from './class-settings.ts';
import { classConfig } from './detector/index.ts';

describe('class settings', () => {
  it('take durations as text or as milliseconds, and mean the same', () => {
    const asText = classesSchema.parse({ meter: { interval: '15m', maxSilence: '2d' } });
    const asNumbers = classesSchema.parse({ meter: { intervalMs: 900_000, maxSilenceMs: 172_800_000 } });
    assert.deepEqual(asText, asNumbers);
    assert.deepEqual(asText.meter, classConfig({ intervalMs: 900_000, maxSilenceMs: 172_800_000 }));
  });

  it('start from a preset, of which a class changes what it names', () => {
    const { node, calm } = classesSchema.parse({
      node: { preset: 'kubernetes' },
      calm: { preset: 'kubernetes', timeout: '5m' },
    });
    assert.deepEqual([node?.intervalMs, node?.timeoutMs, node?.algorithm], [10_000, 40_000, 'fixed']);
    assert.deepEqual([calm?.intervalMs, calm?.timeoutMs], [10_000, 300_000]);
  });

  const wrong: [string, unknown, string, RegExp][] = [
    ['no class at all', {}, '', /at least one/],
    ['a class without interval', { meter: {} }, 'meter.interval', /missing/],
    ['a duration without unit', { meter: { interval: '15' } }, 'meter.interval', /15/],
    ['an interval of no length', { meter: { interval: '0s' } }, 'meter.interval', /longer than 0/],
    ['a timeout of no length', { meter: { interval: '1s', timeout: '0s' } }, 'meter.timeout', /longer/],
    ['a number where a duration is meant', { meter: { interval: 15 } }, 'meter.interval', /text with units/],
    ['the same knob twice', { meter: { interval: '1s', intervalMs: 1000 } }, 'meter.interval', /twice/],
    ['an unknown knob', { meter: { interval: '1s', intervall: '1s' } }, 'meter', /intervall/],
    [
      'an unknown algorithm',
      { meter: { interval: '1s', algorithm: 'guess' } },
      'meter.algorithm',
      /adaptive/,
    ],
    ['an unknown preset', { meter: { preset: 'nagios' } }, 'meter.preset', /kubernetes/],
    [
      'a negative budget',
      { meter: { interval: '1s', falseAlarmsPerDeviceYear: -1 } },
      'meter.falseAlarmsPerDeviceYear',
      /0/,
    ],
    [
      'a suspicion after the death',
      { meter: { interval: '1s', timeout: '2s', suspectAfter: '3s' } },
      'meter.suspectAfter',
      /before it is dead/,
    ],
    ['a name with a blank', { 'my meter': { interval: '1s' } }, 'my meter', /letter or digit/],
  ];
  for (const [what, input, path, message] of wrong) {
    it(`are refused at ${path || 'the top'} for ${what}`, () => {
      const { error } = classesSchema.safeParse(input);
      const issue = error?.issues[0];
      assert.equal(issue?.path.join('.'), path);
      assert.match(JSON.stringify(issue), message);
    });
  }
});
