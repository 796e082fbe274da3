/** What holds whatever is told, in whatever order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { classConfig } from './class-config.ts';
import { Detector } from './detector.ts';
import type { Evidence } from './evidence.ts';
import type { Transition } from './transition.ts';

const INTERVAL_MS = 60_000;
const DEVICES = ['a', 'b', 'c', 'd', 'e'];

const algorithm = fc.constantFrom('missed' as const, 'fixed' as const, 'adaptive' as const, 'phi' as const);

/** A step: what is told, of whom, and how long after the one before. */
const told = fc.record({
  afterMs: fc.oneof(fc.integer({ min: 0, max: 3 * INTERVAL_MS }), fc.constant(20 * INTERVAL_MS)),
  device: fc.constantFrom(...DEVICES),
  kind: fc.constantFrom(
    ...(['beat', 'beat', 'beat', 'beat', 'birth', 'will', 'bye', 'pong', 'traffic', 'down', 'up'] as const),
  ),
  generation: fc.integer({ min: 1, max: 3 }),
  session: fc.integer({ min: 1, max: 4 }),
  seq: fc.integer({ min: 0, max: 60 }),
  uptimeMs: fc.option(fc.integer({ min: 0, max: 40 * INTERVAL_MS }), { nil: undefined }),
  nextMs: fc.option(fc.integer({ min: 1, max: 3 * INTERVAL_MS }), { nil: undefined }),
});
type Told = typeof told extends fc.Arbitrary<infer T> ? T : never;

function evidenceOf({ kind, device, generation, session, seq, uptimeMs, nextMs }: Told): Evidence {
  const about = { deviceClass: 'meter', device } as const;
  const site = device < 'd' ? 's1' : 's2';
  if (kind === 'down' || kind === 'up') return { kind: 'monitor', up: kind === 'up' };
  if (kind === 'beat') return { kind, ...about, generation, session, seq, uptimeMs, nextMs, site };
  if (kind === 'birth') return { kind, ...about, generation, session, uptimeMs, site, answersPing: true };
  if (kind === 'bye') return { kind, ...about, generation, session, sleepMs: nextMs };
  return { kind, ...about, generation, session };
}

const optionsOf = (name: ReturnType<typeof classConfig>['algorithm']) => ({
  classes: { meter: classConfig({ intervalMs: INTERVAL_MS, algorithm: name }) },
});

/** Tells everything; through a snapshot before each step for which `restores` holds. */
function transitionsOf(
  name: ReturnType<typeof classConfig>['algorithm'],
  steps: readonly Told[],
  restores: (step: number) => boolean,
): Transition[] {
  let detector = new Detector(optionsOf(name));
  let at = 1_800_000_000_000;
  const made: Transition[] = [];
  for (const [index, step] of steps.entries()) {
    if (restores(index)) detector = Detector.restore(optionsOf(name), detector.snapshot());
    // No two deadlines at one instant: those have no order.
    at += step.afterMs + 37 * (index + 1);
    made.push(...detector.advance(at), ...detector.observe(evidenceOf(step), at).transitions);
  }
  made.push(...detector.advance(at + 100 * INTERVAL_MS));
  return made;
}

test('suspicion never falls while silence grows, after whatever evidence', () => {
  fc.assert(
    fc.property(algorithm, fc.array(told, { maxLength: 40 }), (name, steps) => {
      const detector = new Detector(optionsOf(name));
      let at = 1_800_000_000_000;
      for (const step of steps) {
        at += step.afterMs;
        detector.advance(at);
        detector.observe(evidenceOf(step), at);
      }
      for (const device of DEVICES) {
        let before = 0;
        for (let silence = 0; silence < 40; silence += 1) {
          const phi = detector.device('meter', device, at + silence * 0.37 * INTERVAL_MS)?.phi ?? before;
          assert.ok(
            phi >= before - 1e-9,
            `${device}: ${phi} after ${before}, ${silence} steps into its silence`,
          );
          before = phi;
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('nobody dies while the monitor is blind, nor of a deadline that fell into blind time', () => {
  fc.assert(
    fc.property(algorithm, fc.array(told, { maxLength: 60 }), (name, steps) => {
      const detector = new Detector(optionsOf(name));
      let at = 1_800_000_000_000;
      let blindSince: number | undefined;
      let hearsSince = at;
      for (const step of steps) {
        at += step.afterMs;
        const evidence = evidenceOf(step);
        const made = [...detector.advance(at), ...detector.observe(evidence, at).transitions];
        for (const { to, at: since, noticedAt } of made) {
          if (to !== 'dead') continue;
          const isEnding = evidence.kind === 'monitor' && !evidence.up;
          assert.ok(blindSince === undefined || (isEnding && since <= blindSince), 'dead while blind');
          assert.ok(since >= hearsSince, `dead since ${since}, before it heard again at ${hearsSince}`);
          assert.ok(since <= noticedAt);
        }
        if (evidence.kind !== 'monitor') continue;
        if (evidence.up && blindSince !== undefined) hearsSince = at;
        blindSince = evidence.up ? undefined : (blindSince ?? at);
      }
    }),
    { numRuns: 300 },
  );
});

/** Not `adaptive`: devices that nothing is known of share a solution for a while, which is no part of a snapshot. */
const remembering = fc.constantFrom('missed' as const, 'fixed' as const, 'phi' as const);

/** After a restore the next blind time begins with the snapshot: what came in between is taken to be forgotten. */
const isHeard = ({ kind }: Told): boolean => kind !== 'down' && kind !== 'up';

test('the same evidence makes the same transitions, whenever the detector went through a snapshot', () => {
  fc.assert(
    fc.property(
      remembering,
      fc.array(told.filter(isHeard), { maxLength: 40 }),
      fc.nat(40),
      (name, steps, point) => {
        assert.deepEqual(
          transitionsOf(name, steps, (step) => step === point),
          transitionsOf(name, steps, () => false),
        );
      },
    ),
    { numRuns: 300 },
  );
});
