import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../uptime/random-fleet.test.support.ts';
import { ClockEnvelope } from './clock-envelope.ts';

const START = Date.UTC(2026, 10, 20);

interface World {
  /** Arrivals this far apart. */
  readonly intervalMs: number;
  readonly driftPpm: number;
  readonly seed: number;
}

/** Beats with delays of 20 ms to 220 ms; yields the true delay above the smallest beside the measured one. */
function* measured(
  { intervalMs, driftPpm, seed }: World,
  beats: number,
): Generator<[number, number | undefined]> {
  const random = seeded(seed);
  const envelope = new ClockEnvelope();
  // A clock that believes it is 1970.
  const skewMs = START - 5_000_000 * random();
  for (let beat = 0; beat < beats; beat++) {
    const sentAt = START + beat * intervalMs;
    const aboveMs = random() < 0.3 ? 2 * random() : 200 * random();
    const deviceAt = (sentAt - START) * (1 + driftPpm / 1e6) + START - skewMs;
    yield [aboveMs, envelope.delayMs(0, sentAt + 20 + aboveMs, deviceAt)];
  }
}

for (const driftPpm of [0, 20, -20, 100, -100]) {
  for (const intervalMs of [30_000, 900_000]) {
    test(`a clock that drifts by ${driftPpm} ppm tells delays, a beat every ${intervalMs / 1000} s`, () => {
      const errors: number[] = [];
      for (const [beat, [truth, delayMs]] of [
        ...measured({ intervalMs, driftPpm, seed: 5 }, 1000),
      ].entries()) {
        if (beat > 40 && delayMs !== undefined) errors.push(Math.abs(delayMs - truth));
      }
      errors.sort((one, other) => one - other);
      assert.ok(errors.length > 900);
      assert.ok(
        (errors[Math.floor(0.5 * errors.length)] as number) < 10,
        `median error ${errors[errors.length / 2]}`,
      );
      assert.ok(
        (errors[Math.floor(0.95 * errors.length)] as number) < 60,
        `p95 error ${errors[Math.floor(0.95 * errors.length)]}`,
      );
    });
  }
}

test('a clock that is set begins a new envelope instead of telling a delay of a year', () => {
  const envelope = new ClockEnvelope();
  for (let beat = 0; beat < 100; beat++) envelope.delayMs(0, START + beat * 1000 + 30, START + beat * 1000);
  const stepMs = 86_400_000;
  assert.equal(envelope.delayMs(0, START + 100_030, START + 100_000 - stepMs), undefined);
  assert.equal(envelope.delayMs(0, START + 101_050, START + 101_000 - stepMs), 20);
  assert.equal(envelope.delayMs(0, START + 102_030, START + 102_000 + stepMs), undefined);
});

test('the first beat of a device tells no delay: there is nothing to compare it with', () => {
  assert.equal(new ClockEnvelope().delayMs(3, START, START), undefined);
});
