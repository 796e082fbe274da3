import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AdaptiveModel } from './adaptive-model.ts';
import type { Deadlines, Gap } from './freshness-model.ts';

const INTERVAL = 900_000;
const DAY = 86_400_000;
const YEAR = 365.25 * DAY;

/** One device on a model: plays gaps, keeps the deadline and counts the mistakes. */
class Played {
  readonly deadlines: Deadlines = { expectedMs: 0, suspectMs: 0, deadMs: 0 };
  readonly model: AdaptiveModel;
  readonly state: Float32Array;
  readonly plan: Gap;
  mistakes = 0;

  constructor(model: AdaptiveModel, announces = true) {
    this.model = model;
    this.state = new Float32Array(model.slots);
    this.plan = {
      at: 0,
      nextMs: announces ? INTERVAL : 0,
      intervalMs: INTERVAL,
      gapMs: 0,
      missed: 0,
      mistake: false,
    };
    model.init(this.state, 0);
    this.#renew();
  }

  gap(gapMs: number, missed: number): void {
    this.plan.gapMs = gapMs;
    this.plan.missed = missed;
    this.plan.mistake = gapMs > this.deadlines.deadMs;
    if (this.plan.mistake) this.mistakes++;
    this.model.learn(this.state, 0, this.plan);
    this.plan.at += gapMs;
    this.#renew();
  }

  #renew(): void {
    if (this.plan.nextMs > 0) this.model.announce(this.state, 0, this.plan);
    this.model.freshness(this.state, 0, this.plan, this.deadlines);
  }

  /** Beats of which each is lost with `loss`. */
  lossy(dice: () => number, beats: number, loss: number): void {
    for (let i = 0; i < beats; i++) {
      let missed = 0;
      while (dice() < loss) missed++;
      this.gap(INTERVAL * (1 + missed) - 2000 * Math.log(1 - dice()), missed);
    }
  }

  get beats(): number {
    return this.deadlines.deadMs / INTERVAL;
  }
}

const model = (falseAlarmsPerDeviceYear = 1): AdaptiveModel =>
  new AdaptiveModel({ intervalMs: INTERVAL, falseAlarmsPerDeviceYear });

function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

test('a larger budget never makes the deadline longer, whatever the link', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.double({ min: 0, max: 0.8, noNaN: true }), (seed, loss) => {
      const [calm, eager] = [1, 100].map((budget) => {
        const played = new Played(model(budget));
        played.lossy(seeded(seed), 400, loss);
        return played.deadlines.deadMs;
      }) as [number, number];
      assert.ok(eager <= calm, `${eager} > ${calm}`);
    }),
    { numRuns: 30 },
  );
});

test('a deadline never sits on the instant at which a beat is due', () => {
  fc.assert(
    fc.property(
      fc.nat(1000),
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      fc.boolean(),
      (seed, loss, announces) => {
        const played = new Played(model(), announces);
        const dice = seeded(seed);
        for (let i = 0; i < 100; i++) {
          let missed = 0;
          while (dice() < loss) missed++;
          played.gap(INTERVAL * (1 + missed), missed);
          const over = played.deadlines.deadMs % INTERVAL;
          assert.ok(
            Math.min(over, INTERVAL - over) >= 0.005 * INTERVAL,
            `deadline ${played.deadlines.deadMs}`,
          );
        }
      },
    ),
    { numRuns: 30 },
  );
});

test('holds the budget on independent losses of mixed rates, and gives good links short deadlines', () => {
  const shared = model(12);
  const dice = seeded(7);
  const fleet = Array.from({ length: 40 }, (_, i) => ({
    played: new Played(shared),
    loss: 0.005 + 0.4 * (i / 40) ** 2,
  }));
  for (let day = 0; day < 150; day++)
    for (const { played, loss } of fleet) played.lossy(dice, 96 * (1 - loss), loss);
  const mistakes = fleet.reduce((sum, { played }) => sum + played.mistakes, 0);
  const allowed = fleet.reduce((sum, { played }) => sum + (12 * played.plan.at) / YEAR, 0);
  assert.ok(mistakes <= 1.3 * allowed && mistakes >= 0.5 * allowed, `${mistakes} mistakes of ${allowed}`);
  const [best, worst] = [fleet[0], fleet[39]].map((one) => one?.played.beats) as [number, number];
  assert.ok(best < 4 && worst > 5 && worst < 14, `${best}, ${worst}`);
});

test('a new device starts from what its class has learned', () => {
  const shared = model();
  const dice = seeded(3);
  for (let i = 0; i < 30; i++) new Played(shared).lossy(dice, 1500, 0.02);
  const known = new Played(shared);
  known.lossy(dice, 1, 0);
  const stranger = new Played(model());
  for (let i = 0; i < 30_000; i++) stranger.gap(INTERVAL * 1.001, 0);
  assert.ok(known.beats < 11, `${known.beats}`);
});

test('a link that turns bad is believed within a day', () => {
  const shared = model();
  const dice = seeded(5);
  for (let i = 0; i < 20; i++) new Played(shared).lossy(dice, 2000, 0.3 * dice());
  const device = new Played(shared);
  device.lossy(dice, 3000, 0.01);
  const good = device.beats;
  device.lossy(dice, 60, 0.7);
  assert.ok(device.beats > 2 * good, `${good} then ${device.beats}`);
});

test('learns the interval of a device that neither announces nor numbers its beats', () => {
  const device = new Played(model(), false);
  for (let i = 0; i < 200; i++) device.gap(2 * INTERVAL + (i % 7) * 500, -1);
  assert.equal(
    Math.round(Number(device.model.explain(device.state, 0, device.plan).intervalMs) / INTERVAL),
    2,
  );
});

test('foresees the hour at which a device slows down every day, and is not patient at noon', () => {
  const device = new Played(model(4), false);
  for (let day = 0; day < 60; day++) {
    let noon = 0;
    for (let i = 0; i < 64; i++) {
      device.gap(INTERVAL, 0);
      if (i === 32) noon = device.beats;
    }
    const evening = device.beats;
    if (day > 45)
      assert.ok(evening > 4 && noon < 0.6 * evening, `day ${day}: ${noon} at noon, then ${evening}`);
    for (let i = 0; i < 8; i++) device.gap(4 * INTERVAL, 0);
  }
});

test('keeps the floor and the cap', () => {
  const floor = new AdaptiveModel({
    intervalMs: INTERVAL,
    falseAlarmsPerDeviceYear: 1e6,
    minSilenceMs: 5 * INTERVAL,
  });
  assert.equal(new Played(floor).deadlines.deadMs, 5 * INTERVAL);
  const cap = new AdaptiveModel({
    intervalMs: INTERVAL,
    falseAlarmsPerDeviceYear: 1e-6,
    maxSilenceMs: 3 * INTERVAL,
  });
  const capped = new Played(cap);
  capped.lossy(seeded(1), 300, 0.6);
  assert.ok(capped.deadlines.deadMs <= 4 * INTERVAL);
});

test('one long outage does not spoil what is known of a good link', () => {
  const played = new Played(model(4));
  const dice = seeded(21);
  played.lossy(dice, 3000, 0.02);
  const before = played.beats;
  played.gap(INTERVAL * 500, 499);
  const explained = played.model.explain(played.state, 0, played.plan);
  assert.ok(Number(explained.lossEntry) < 0.04, `${explained.lossEntry}`);
  // Half a year on, what caution is left is small.
  played.lossy(dice, 15_000, 0.02);
  assert.ok(played.beats <= 2 * before, `${played.beats} after, ${before} before`);
});

test('mistakes do not come in rows: when a link gets worse at once, caution bridges what is learned later', () => {
  const played = new Played(model(12));
  const dice = seeded(22);
  played.lossy(dice, 5000, 0.02);
  const before = played.mistakes;
  played.lossy(dice, 1500, 0.7);
  assert.ok(played.mistakes - before <= 6, `${played.mistakes - before}`);
});

test('bursts of any kind leave the budget and the detection time where they belong', () => {
  // Stretched exponential run lengths: neither geometric nor a power law.
  const shared = model(12);
  const dice = seeded(23);
  let allowed = 0;
  let mistakes = 0;
  const gaps: number[] = [];
  const deadlines: number[] = [];
  const fleet = Array.from({ length: 20 }, () => new Played(shared));
  for (let beat = 0; beat < 6000; beat++) {
    for (const played of fleet) {
      const missed = dice() < 0.02 ? 1 + Math.floor(2 * Math.log(1 - dice()) ** 2) : 0;
      const gapMs = INTERVAL * (1 + missed) - 2000 * Math.log(1 - dice());
      if (beat >= 1000) {
        allowed += (12 * gapMs) / YEAR;
        gaps.push(gapMs);
        deadlines.push(played.deadlines.deadMs);
        if (gapMs > played.deadlines.deadMs) mistakes++;
      }
      played.gap(gapMs, missed);
    }
  }
  assert.ok(mistakes < 2 * allowed, `${mistakes} of ${allowed}`);
  const best = gaps.sort((a, b) => b - a)[mistakes] as number;
  const mean = deadlines.reduce((sum, ms) => sum + ms, 0) / deadlines.length;
  assert.ok(mean < 1.15 * best, `${mean / best} of the best deadline chosen afterwards`);
});

test('a number that jumps is not a crowd of lost beats, and asks for no endless sum', () => {
  for (const missed of [1e5, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    const played = new Played(
      new AdaptiveModel({ intervalMs: INTERVAL, falseAlarmsPerDeviceYear: 12 }),
      false,
    );
    played.gap(INTERVAL, missed);
    for (let i = 0; i < 5; i++) played.gap(INTERVAL, 0);
    assert.equal(played.mistakes, 0, `${missed} missed`);
    assert.ok(played.model.phi(played.state, 0, played.plan, 400 * DAY) > 3);
  }
});
