import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outages } from './outages.ts';
import { indexOf } from './run-laws.ts';

const survival = (outages: Outages, length: number): number => outages.survival[indexOf(length)] as number;

test('before any outage was seen, one is next to impossible, and of any length', () => {
  const outages = new Outages();
  assert.ok(outages.rate(0, 0) < 1e-4);
  assert.ok(survival(outages, 10) < 1 && survival(outages, 100) > 0.01);
});

test('lengths are those the class has seen, with no more promised beyond them than their number allows', () => {
  const outages = new Outages();
  for (let i = 0; i < 1000; i++) outages.learn(10 + (i % 90), 1);
  assert.ok(Math.abs(survival(outages, 55) - 0.5) < 0.05);
  const beyond = survival(outages, 300);
  assert.ok(beyond > 0 && beyond < 1 / 1000, `${beyond}`);
});

test('a device has the rate of its class until it shows its own', () => {
  const outages = new Outages();
  for (let i = 0; i < 100_000; i++) {
    if (i % 1000 === 0) outages.learn(50, 1);
    else outages.none();
  }
  assert.ok(Math.abs(outages.rate(0, 0) - 1e-3) < 2e-4);
  assert.ok(outages.rate(0, 20_000) < 1e-4);
  assert.ok(outages.rate(20, 1000) > 0.01);
});
