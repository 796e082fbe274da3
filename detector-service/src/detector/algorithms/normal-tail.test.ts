import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalPhi, normalPhiInverse } from './normal-tail.ts';

test('φ of the normal agrees with tables, in the body and forty deviations out', () => {
  const known: [number, number][] = [
    [0, 0.30103],
    [1.2815515655, 1],
    [3.0902323062, 3],
    [5.6120012441, 8],
    [40, 349.43701],
  ];
  for (const [z, phi] of known) assert.ok(Math.abs(normalPhi(z) - phi) < 2e-5, `φ(${z}) = ${normalPhi(z)}`);
});

test('φ has no step where the two formulas meet, and its inverse is its inverse', () => {
  assert.ok(Math.abs(normalPhi(3 - 1e-9) - normalPhi(3 + 1e-9)) < 1e-7);
  for (const phi of [0.5, 1, 3, 8, 50, 300])
    assert.ok(Math.abs(normalPhi(normalPhiInverse(phi)) - phi) < 1e-6);
});
