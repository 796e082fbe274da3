import { exponentialDelay, logNormalDelay, withTail } from './delay.ts';
import { hiddenMarkov, independent, type Loss, markov, paretoBursts } from './loss.ts';
import { logUniform, type Random, random, uniform } from './random.ts';
import { type Device, deviceOf, type Family } from './world.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A workload family draws its fleet from a seed. `scale` 1 is the published size. */
export type FamilyMaker = (seed: number, scale: number) => Family;

export const families: Readonly<Record<string, FamilyMaker>> = {
  /** Mains-powered devices on cable: rare independent losses, short delays with rare stalls. */
  wired: fleet({ intervalMs: MINUTE, budget: 12, devices: 40, days: 60 }, (dice) => ({
    losses: [independent(logUniform(dice, 1e-4, 1e-2))],
    delay: withTail(exponentialDelay(20, logUniform(dice, 10, 100)), 0.001, 500, 1.5),
    jitter: 0.05,
  })),
  /** Duty-cycled devices on Markov links of mixed quality. */
  mixed: fleet({ intervalMs: 15 * MINUTE, budget: 1, devices: 120, days: 365 }, (dice) => ({
    losses: [mixedLink(dice)],
    delay: wan(dice),
    jitter: 0.1,
  })),
  /** The same losses in hidden states, which no renewal model describes exactly. */
  hidden: fleet({ intervalMs: 20 * MINUTE, budget: 2, devices: 120, days: 365 }, (dice) => ({
    losses: [
      hiddenMarkov(
        logUniform(dice, 0.002, 0.1),
        uniform(dice, 0.1, 0.6),
        logUniform(dice, 0.001, 0.05),
        uniform(dice, 0.5, 0.95),
      ),
    ],
    delay: wan(dice),
    jitter: 0.1,
  })),
  /** Hourly radio: long-tailed delays, power-law bursts, one device in five at the edge of coverage. */
  lpwan: fleet({ intervalMs: HOUR, budget: 1, devices: 300, days: 365 }, (dice) => ({
    losses: [
      dice.next() < 0.2
        ? independent(uniform(dice, 0.6, 0.95))
        : paretoBursts(logUniform(dice, 0.003, 0.05), uniform(dice, 1.5, 2.5)),
    ],
    delay: withTail(logNormalDelay(2 * SECOND, 1.2), 0.01, 30 * SECOND, 1.5),
    jitter: 0.05,
  })),
  pareto: fleet({ intervalMs: 15 * MINUTE, budget: 1, devices: 100, days: 365 }, (dice) => ({
    losses: [paretoBursts(logUniform(dice, 0.002, 0.05), 1.5)],
    delay: wan(dice),
    jitter: 0.1,
  })),
  'day and night, announced': dayAndNight(true),
  'day and night, unannounced': dayAndNight(false),
  /** Daily meters with drifting clocks that are set now and then. */
  meter: fleet({ intervalMs: DAY, budget: 1, devices: 1500, days: 730 }, (dice) => ({
    losses: [mixedLink(dice)],
    delay: wan(dice),
    driftPpm: uniform(dice, -200, 200),
    stepMs: 20 * MINUTE,
    beatsPerStep: 60,
  })),
  /** Devices join all the time and live for a month: most of the fleet is always nearly new. */
  joining: fleet({ intervalMs: 15 * MINUTE, budget: 2, devices: 1200, days: 30 }, (dice) => {
    const joinsAt = uniform(dice, 0, 365 * DAY);
    return {
      joinsAt,
      leavesAt: joinsAt + 30 * DAY,
      losses: [mixedLink(dice)],
      delay: wan(dice),
      jitter: 0.1,
    };
  }),
  /** Links whose loss goes from good to bad and back within weeks, or all at once. */
  changing: fleet({ intervalMs: 15 * MINUTE, budget: 2, devices: 100, days: 365 }, (dice) => {
    const good = logUniform(dice, 0.003, 0.03);
    const bad = uniform(dice, 0.3, 0.8);
    const stages = 40;
    const losses = Array.from({ length: stages + 1 }, (_, i) => {
      const loss = good + ((bad - good) * i) / stages;
      return markov(loss, Math.max(loss, 0.3));
    });
    const turnsAt = uniform(dice, 20, 200) * DAY;
    const lasts = dice.next() < 0.2 ? MINUTE : uniform(dice, 7, 40) * DAY;
    const backAt = turnsAt + lasts + uniform(dice, 20, 100) * DAY;
    const stageAt = (t: number): number =>
      Math.round(stages * Math.max(0, Math.min(1, (t - turnsAt) / lasts, 1 - (t - backAt) / lasts)));
    return { losses, stageAt, delay: wan(dice), jitter: 0.1 };
  }),
  unannounced: ownIntervals(true),
  'unannounced, unnumbered': ownIntervals(false),
};

function mixedLink(dice: Random): Loss {
  return markov(logUniform(dice, 0.002, 0.3), uniform(dice, 0.1, 0.9));
}

function wan(dice: Random) {
  return withTail(exponentialDelay(200, logUniform(dice, 200, 2000)), 0.002, 5 * SECOND, 1.5);
}

function dayAndNight(announces: boolean): FamilyMaker {
  return fleet({ intervalMs: 15 * MINUTE, budget: 2, devices: 120, days: 365 }, (dice) => {
    const beginsAt = 21 * HOUR + uniform(dice, 0, 2 * HOUR);
    return {
      losses: [mixedLink(dice)],
      delay: wan(dice),
      announces,
      steady: false,
      intervalAt: (t) => ((((t - beginsAt) % DAY) + DAY) % DAY < 8 * HOUR ? HOUR : 15 * MINUTE),
    };
  });
}

function ownIntervals(numbersBeats: boolean): FamilyMaker {
  return fleet({ intervalMs: 15 * MINUTE, budget: 1, devices: 120, days: 365 }, (dice) => {
    const intervalMs = [10, 15, 15, 20, 30][Math.floor(dice.next() * 5)] as number;
    return {
      losses: [mixedLink(dice)],
      delay: wan(dice),
      announces: false,
      numbersBeats,
      jitter: 0.002,
      intervalAt: () => intervalMs * MINUTE,
    };
  });
}

interface Size {
  readonly intervalMs: number;
  readonly budget: number;
  readonly devices: number;
  readonly days: number;
}

function fleet(
  size: Size,
  draw: (dice: Random) => Partial<Device> & Pick<Device, 'losses' | 'delay'>,
): FamilyMaker {
  return (seed, scale) => {
    const dice = random(seed, 0);
    const count = Math.max(4, Math.round(size.devices * scale));
    return {
      intervalMs: size.intervalMs,
      falseAlarmsPerDeviceYear: size.budget,
      devices: Array.from({ length: count }, () =>
        deviceOf({ intervalAt: () => size.intervalMs, leavesAt: size.days * DAY, ...draw(dice) }),
      ),
    };
  };
}
