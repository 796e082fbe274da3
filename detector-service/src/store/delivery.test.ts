import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from './delivery.ts';

test('a line that was damaged on the disk is not sent, and holds up no other', async () => {
  const sent: string[] = [];
  const { written, deadLetters, refusedAll } = await settle('a\nb\0\u001f\nc', async (part) => {
    sent.push(...part.split('\n'));
    return { kind: 'written' };
  });
  assert.deepEqual(sent, ['a', 'c']);
  assert.deepEqual([written, refusedAll, deadLetters.map(({ line }) => line)], [2, undefined, ['b\0\u001f']]);
});

test('a batch of damaged lines only is settled without a request', async () => {
  const { written, deadLetters } = await settle('\0', () => assert.fail('nothing is sent'));
  assert.deepEqual([written, deadLetters.length], [0, 1]);
});
