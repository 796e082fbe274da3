import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Newcomers } from './newcomers.ts';

const STEP_MS = 900_000;

test('devices with as many gaps and about the same lateness are alike until one loses a beat or grows old', () => {
  const newcomers = new Newcomers();
  const one = newcomers.alike(3, 0, 1000, STEP_MS);
  assert.equal(newcomers.alike(3, 0, 1020, STEP_MS)?.key, one?.key);
  assert.notEqual(newcomers.alike(4, 0, 1000, STEP_MS)?.key, one?.key);
  assert.notEqual(newcomers.alike(3, 0, 9000, STEP_MS)?.key, one?.key);
  assert.equal(newcomers.alike(3, 1, 1000, STEP_MS), undefined);
  assert.equal(newcomers.alike(1000, 0, 1000, STEP_MS), undefined);
  assert.ok((one?.scale ?? 0) >= 1000, 'solved for at least as much lateness');
});

test('what was solved for one is taken over while the class is known as it was, for about the same threshold', () => {
  const newcomers = new Newcomers();
  const solved = Float32Array.of(4, 1000);
  newcomers.keep(7, 1e-4, 1, solved);
  assert.equal(newcomers.solved(7, 1.05e-4, 0.15, 1), solved);
  assert.equal(newcomers.solved(7, 2e-4, 0.15, 1), undefined);
  assert.equal(newcomers.solved(7, 1e-4, 0.15, 2), undefined);
  assert.equal(newcomers.solved(8, 1e-4, 0.15, 1), undefined);
});
