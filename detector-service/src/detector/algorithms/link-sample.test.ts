import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dice as seeded } from '../site-world.test.support.ts';
import { LinkPrior } from './link-prior.ts';
import { runSurvival } from './run-law.ts';

const STEP_MS = 900_000;
const SLOTS = 16;

/** Devices of a class, each with the evidence that `play` gives it, beat by beat. */
class Class {
  readonly prior = new LinkPrior();
  readonly devices: { state: Float32Array; entry: number; stay: number }[] = [];
  #at = 0;

  join(entry: number, stay: number): void {
    const state = new Float32Array(SLOTS);
    this.prior.init(state, 0);
    this.devices.push({ state, entry, stay });
  }

  play(beats: number, dice: () => number): void {
    for (let beat = 0; beat < beats; beat++) {
      this.#at += STEP_MS;
      for (const { state, entry, stay } of this.devices) {
        let missed = 0;
        if (dice() < entry) for (missed = 1; dice() < stay; ) missed++;
        this.prior.learn(state, 0, missed);
        this.prior.heard(state, 0, this.#at, STEP_MS);
      }
    }
  }

  /** P(a run of at least so many) of one more device that has had `gaps` without a loss. */
  expected(lengths: readonly number[], gaps = 0): number[] {
    const state = new Float32Array(SLOTS);
    state[0] = gaps;
    this.prior.posterior(state, 0);
    return lengths.map((length) => runSurvival(this.prior.lossMass, length));
  }
}

describe('a class judged by a sample of its devices', () => {
  it('expects of one more device what the devices it has are like, far into the tail', () => {
    const known = new Class();
    const dice = seeded(1);
    for (let i = 0; i < 100; i++) known.join(0.002 * 150 ** dice(), 0.1 + 0.8 * dice());
    known.play(2000, dice);
    const lengths = [1, 3, 10, 20];
    const told = known.expected(lengths);
    lengths.forEach((length, i) => {
      const truth =
        known.devices.reduce((sum, { entry, stay }) => sum + entry * stay ** (length - 1), 0) / 100;
      const ratio = (told[i] as number) / truth;
      assert.ok(ratio > 0.6 && ratio < 1.7, `${ratio} of what is true for ${length}`);
    });
  });

  it('expects little of a class that beats punctually, and less from hundred beats to thousand', () => {
    const known = new Class();
    for (let i = 0; i < 20; i++) known.join(0, 0);
    const never = known.expected([1])[0] as number;
    known.play(100, seeded(2));
    const soon = known.expected([1])[0] as number;
    known.play(900, seeded(3));
    const later = known.expected([1])[0] as number;
    assert.ok(never > 0.03 && soon < 0.1 * never && later < 0.5 * soon, `${never}, ${soon}, ${later}`);
  });

  it('holds a device that is like no other possible', () => {
    const known = new Class();
    for (let i = 0; i < 20; i++) known.join(0.001, 0.1);
    known.play(1000, seeded(4));
    const lossy = new Float32Array(SLOTS);
    known.prior.init(lossy, 0);
    const dice = seeded(5);
    for (let i = 0; i < 40; i++) known.prior.learn(lossy, 0, dice() < 0.5 ? 1 + Math.floor(4 * dice()) : 0);
    known.prior.posterior(lossy, 0);
    assert.ok(runSurvival(known.prior.lossMass, 1) > 0.3);
  });

  it('does not take a fleet that joins for perfect because gaps without loss end first', () => {
    const known = new Class();
    for (let i = 0; i < 60; i++) known.join(0.5, 0.8);
    // Heard once; half of them at the next beat and the one after it, the others not yet.
    known.devices.forEach(({ state }, i) => {
      known.prior.heard(state, 0, i, STEP_MS);
    });
    for (const at of [STEP_MS, 2 * STEP_MS, 3 * STEP_MS])
      for (const { state } of known.devices.slice(0, 30)) {
        known.prior.learn(state, 0, 0);
        known.prior.heard(state, 0, at, STEP_MS);
      }
    assert.ok((known.expected([1])[0] as number) > 0.1, `${known.expected([1])}`);
  });

  it('goes on as before when it is restored', () => {
    const known = new Class();
    for (let i = 0; i < 10; i++) known.join(0.1, 0.5);
    known.play(200, seeded(7));
    const copy = new LinkPrior();
    copy.persistent().forEach((part, i) => {
      part.set(known.prior.persistent()[i] as Float64Array);
    });
    const state = (known.devices[0] as { state: Float32Array }).state;
    known.prior.posterior(state, 0);
    copy.posterior(state, 0);
    for (const k of [1, 5, 50])
      assert.equal(runSurvival(copy.lossMass, k), runSurvival(known.prior.lossMass, k));
  });
});
