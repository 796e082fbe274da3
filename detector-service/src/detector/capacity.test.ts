import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capacityFor } from './capacity.ts';

test('room suffices for every size, wastes less than an eighth of a large one, and is not made anew for each device', () => {
  const sizes = new Set<number>();
  for (let devices = 0; devices <= 20_000; devices += 1) {
    const capacity = capacityFor(devices);
    assert.ok(capacity >= devices);
    if (devices >= 1000) assert.ok(capacity < 1.125 * devices, `${capacity} for ${devices}`);
    sizes.add(capacity);
  }
  assert.ok(sizes.size < 70);
});
