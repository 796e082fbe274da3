import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { LineProblem } from './trace-error.ts';
import { parseTraceLine } from './trace-line.ts';
import { parseTruthLine } from './truth-line.ts';

const text = readFileSync(new URL('../../REPLAY.md', import.meta.url), 'utf8');
const [trace = '', truth = ''] = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(([, lines]) => lines);

for (const line of trace.trim().split('\n')) {
  test(`REPLAY.md: the trace line ${line} is one`, () => {
    assert.ok(!(parseTraceLine(line, () => true) instanceof LineProblem));
  });
}

for (const line of truth.trim().split('\n')) {
  test(`REPLAY.md: the truth line ${line} is one`, () => {
    assert.ok(!(parseTruthLine(line) instanceof LineProblem));
  });
}

test('REPLAY.md shows every kind of evidence', () => {
  const kinds = trace
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).kind);
  assert.deepEqual([...new Set(kinds)].sort(), [
    'beat',
    'birth',
    'bye',
    'monitor',
    'pong',
    'traffic',
    'will',
  ]);
});
