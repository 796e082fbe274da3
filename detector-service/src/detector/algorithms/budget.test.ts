import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget } from './budget.ts';

const DAY = 86_400_000;
const YEAR = 365.25 * DAY;

test('a gap may end in a mistake as often as the budget allows for its time, and a class that is new a little oftener', () => {
  const budget = new Budget(2);
  budget.joined();
  assert.ok(Math.abs(budget.allowed(YEAR) - 2) < 1e-9);
  const first = budget.fair(DAY, 0) - budget.allowed(DAY);
  assert.ok(first > 0);
  let lent = first;
  for (let gap = 0; gap < 10_000; gap++) {
    budget.gap(1, 1, false);
    lent += budget.fair(DAY, 0) - budget.allowed(DAY);
  }
  assert.ok(lent < 0.1, `a tenth of a mistake for all that a class has to teach, not ${lent}`);
});

test('mistakes beyond the budget make it stricter, and a time without lets it loose again', () => {
  const budget = new Budget(1);
  budget.joined();
  for (let i = 0; i < 5; i++) budget.gap(DAY, DAY, true);
  const strict = budget.pace;
  assert.ok(strict < 0.7);
  for (let day = 0; day < 3 * 365; day++) budget.gap(DAY, DAY, false);
  assert.ok(budget.pace > strict);
});

test('the price falls while fair shares are left over, and rises while too many are used', () => {
  const budget = new Budget(1);
  for (let i = 0; i < 10; i++) budget.joined();
  const price = budget.price(8);
  assert.equal(price, 8, 'at first a beat is worth what it saves the first device');
  for (let i = 0; i < 30; i++) budget.spent(0.2);
  const cheap = budget.price(8);
  assert.ok(cheap < price);
  for (let i = 0; i < 60; i++) budget.spent(2);
  assert.ok(budget.price(8) > cheap);
});

test('a new device uses no more than a little above its fair share', () => {
  const budget = new Budget(1);
  assert.ok(budget.shareMax(0) < 2 && budget.shareMax(1000) > budget.shareMax(0));
});
