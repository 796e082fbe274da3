import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from './duration.ts';

describe('durations', () => {
  it('are read as people write them', () => {
    for (const [text, ms] of [
      ['500ms', 500],
      ['90s', 90_000],
      ['15m', 900_000],
      ['1h30m', 5_400_000],
      ['1d', 86_400_000],
      ['1d2h3m4s5ms', 93_784_005],
      ['0s', 0],
      ['90m', 5_400_000],
      ['1m5ms', 60_005],
    ] as const) {
      assert.equal(parseDuration(text), ms, text);
    }
  });

  it('need a unit, a sign neither, and larger units first', () => {
    for (const text of [
      '',
      '5',
      '-3s',
      '+3s',
      '1.5h',
      '1 h',
      ' 1h',
      '1h ',
      '30m1h',
      '1h1h',
      '1w',
      '1H',
      '1e3s',
      '٣s',
      's',
      '1h\n',
    ]) {
      assert.throws(() => parseDuration(text), { code: 'invalid-duration' }, JSON.stringify(text));
    }
    assert.throws(
      () => parseDuration('x'.repeat(100_000)),
      (error: Error) => error.message.length < 200,
    );
  });

  it('longer than a number holds exactly are refused', () => {
    assert.throws(() => parseDuration('999999999999999d'), /too long/);
  });

  it('that were formatted read back as the same number', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (ms) => assert.equal(parseDuration(formatDuration(ms)), ms)));
  });

  it('format as short as they can be', () => {
    assert.equal(formatDuration(0), '0s');
    assert.equal(formatDuration(5_400_000), '1h30m');
    assert.equal(formatDuration(86_400_500), '1d500ms');
    for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      assert.throws(() => formatDuration(bad), RangeError);
  });

  it('never crash the parser with anything but its own error', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseDuration(text);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'invalid-duration');
        }
      }),
    );
  });
});
