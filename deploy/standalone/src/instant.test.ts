import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from './exit-codes.ts';
import { parseInstant } from './instant.ts';

const NOW = Date.UTC(2026, 10, 20, 10, 15);

describe('an instant', () => {
  const meant: [string, number][] = [
    ['now', NOW],
    ['-24h', NOW - 86_400_000],
    ['-1h30m', NOW - 5_400_000],
    ['2026-11-20', Date.UTC(2026, 10, 20)],
    ['2026-11-20T10:15Z', NOW],
    ['2026-11-20T11:15:00+01:00', NOW],
    ['2026-11-20T23:30:00.250-02:00', Date.UTC(2026, 10, 21, 1, 30, 0, 250)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
  ];
  for (const [text, at] of meant) {
    it(`may be written ${text}`, () => assert.equal(parseInstant('--from', text, NOW), at));
  }

  for (const text of [
    '',
    'yesterday',
    '2026-02-30',
    '2026-13-01',
    '2026-11-20T10:15',
    '20.11.2026',
    '1795220987076',
    '-',
    '-5',
    '--1h',
  ]) {
    it(`is not ${JSON.stringify(text)}: the flag and the text are named`, () => {
      assert.throws(
        () => parseInstant('--from', text, NOW),
        (error) => {
          assert.ok(error instanceof UsageError);
          assert.ok(error.message.startsWith(`--from ${text}`), error.message);
          return true;
        },
      );
    });
  }
});
