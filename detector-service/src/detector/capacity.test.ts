import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capacityFor } from './capacity.ts';

test('room suffices for every size, wastes at most 15 % of a large one, and is not made anew for each device', () => {
  const sizes = new Set<number>();
  for (let devices = 0; devices <= 20_000; devices += 1) {
    const capacity = capacityFor(devices);
    assert.ok(capacity >= devices);
    if (devices >= 1000) assert.ok(capacity < 1.15 * devices, `${capacity} for ${devices}`);
    sizes.add(capacity);
  }
  assert.ok(sizes.size < 70);
});

test('round numbers, by which fleets are planned, waste nothing', () => {
  for (const devices of [100, 2000, 50_000, 800_000, 1_000_000, 2_000_000])
    assert.equal(capacityFor(devices), devices);
});
