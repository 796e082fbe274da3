import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configureChen } from './chen.ts';

test('configures the worked example of the paper: 30 s, one mistake in 30 days, 1 % loss, 20 ms delay', () => {
  const found = configureChen({
    detectionMs: 30_000,
    recurrenceMs: 30 * 86_400_000,
    durationMs: 60_000,
    loss: 0.01,
    delaySurvival: (ms) => Math.exp(-ms / 20),
  });
  assert.ok(found);
  assert.equal((found.intervalMs / 1000).toFixed(2), '9.98');
  assert.equal((found.shiftMs / 1000).toFixed(2), '20.02');
});

test('asks for a shorter interval when more is lost, and says when nothing will do', () => {
  const wanted = {
    detectionMs: 30_000,
    recurrenceMs: 30 * 86_400_000,
    durationMs: 60_000,
    delaySurvival: (ms: number) => Math.exp(-ms / 20),
  };
  const little = configureChen({ ...wanted, loss: 0.01 });
  const much = configureChen({ ...wanted, loss: 0.2 });
  assert.ok(little && much && much.intervalMs < little.intervalMs);
  assert.equal(configureChen({ ...wanted, loss: 1 }), undefined);
});
