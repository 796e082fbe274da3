import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterMistake, faded } from './caution.ts';

test('mistakes in a row make deadlines longer and longer, but not for ever', () => {
  let caution = 0;
  const factors = Array.from({ length: 20 }, () => {
    caution = afterMistake(caution);
    return Math.exp(caution);
  });
  assert.ok((factors[0] as number) > 1.3 && (factors[1] as number) > (factors[0] as number));
  assert.equal(factors.at(-1), factors.at(-2));
});

test('caution is gone long before the budget allows the next mistake', () => {
  let caution = afterMistake(0);
  for (let day = 0; day < 365; day++) caution = faded(caution, 1 / 365);
  assert.equal(caution, 0);
  assert.ok(
    faded(afterMistake(0), 1 / 365) > 0.8 * afterMistake(0),
    'a day is nothing where one a year is allowed',
  );
});
