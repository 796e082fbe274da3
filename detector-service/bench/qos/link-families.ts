/**
 * Fleets whose links and rhythms differ: each family draws one from a seed. They are played against the models
 * alone, gap by gap.
 */
import { exponentialDelay, logNormalDelay, withTail } from './delay.ts';
import { mixedLink, wan } from './links.ts';
import {
  hiddenMarkov,
  independent,
  type Loss,
  markov,
  paretoBursts,
  twoScaleBursts,
  weibullBursts,
} from './loss.ts';
import { logUniform, pick, type Random, random, uniform } from './random.ts';
import { type Device, deviceOf, type Family } from './world.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Families that ask the same question stand together in table and picture. */
export const GROUPS = [
  'losses without memory, or with a short one',
  'long bursts',
  'rhythms',
  'little known',
] as const;

export interface LinkFamily {
  readonly group: (typeof GROUPS)[number];
  /** Draws the fleet; `scale` multiplies its number of devices, 1 being the published size. */
  readonly draw: (seed: number, scale: number) => Family;
}

interface Size {
  readonly intervalMs: number;
  /** False alarms per device and year. */
  readonly budget: number;
  readonly devices: number;
  readonly days: number;
}

type Traits = Partial<Device> & Pick<Device, 'losses' | 'delay'>;

const [SHORT, LONG, RHYTHM, NEW] = GROUPS;
const QUARTER: Pick<Size, 'intervalMs'> = { intervalMs: 15 * MINUTE };

export const linkFamilies: Readonly<Record<string, LinkFamily>> = {
  /** Mains-powered devices on cable: rare independent losses, short delays with rare stalls. */
  wired: fleet(SHORT, { intervalMs: MINUTE, budget: 12, devices: 40, days: 40 }, wired),
  'wired, 30-300 s': fleet(SHORT, { intervalMs: MINUTE, budget: 12, devices: 40, days: 40 }, (dice) => {
    const intervalMs = pick(dice, [30, 60, 120, 300]) * SECOND;
    return { ...wired(dice), intervalAt: () => intervalMs };
  }),
  /** Duty-cycled devices on Markov links of mixed quality. */
  mixed: fleet(SHORT, { ...QUARTER, budget: 1, devices: 120, days: 180 }, mixed),
  /** The same losses in hidden states, which no renewal model describes exactly. */
  hidden: fleet(SHORT, { intervalMs: 20 * MINUTE, budget: 2, devices: 120, days: 180 }, (dice) => ({
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
  /** Links whose loss goes from good to bad and back within weeks, or all at once. */
  changing: fleet(SHORT, { ...QUARTER, budget: 2, devices: 100, days: 300 }, changing),

  /** Hourly radio: long-tailed delays, power-law bursts, one device in five at the edge of coverage. */
  lpwan: fleet(LONG, { intervalMs: HOUR, budget: 1, devices: 300, days: 365 }, (dice) => ({
    losses: [
      dice.next() < 0.2
        ? independent(uniform(dice, 0.6, 0.95))
        : paretoBursts(logUniform(dice, 0.003, 0.05), uniform(dice, 1.5, 2.5)),
    ],
    delay: withTail(logNormalDelay(2 * SECOND, 1.2), 0.01, 30 * SECOND, 1.5),
    jitter: 0.05,
  })),
  pareto: fleet(LONG, { ...QUARTER, budget: 1, devices: 100, days: 180 }, (dice) => ({
    losses: [paretoBursts(logUniform(dice, 0.002, 0.05), 1.5)],
    delay: wan(dice),
    jitter: 0.1,
  })),
  /** Stretched-exponential bursts: heavier than geometric, lighter than a power law. */
  weibull: fleet(LONG, { ...QUARTER, budget: 1, devices: 100, days: 180 }, (dice) => ({
    losses: [weibullBursts(logUniform(dice, 0.002, 0.05), uniform(dice, 0.5, 3), uniform(dice, 0.4, 0.8))],
    delay: wan(dice),
    jitter: 0.1,
  })),
  /** Short bursts, and one in twenty of hours. */
  'two scales': fleet(LONG, { ...QUARTER, budget: 1, devices: 100, days: 180 }, (dice) => ({
    losses: [
      twoScaleBursts(logUniform(dice, 0.003, 0.1), uniform(dice, 0.1, 0.5), 0.05, uniform(dice, 0.8, 0.95)),
    ],
    delay: wan(dice),
    jitter: 0.1,
  })),

  'day and night, announced': dayAndNight(true),
  'day and night, unannounced': dayAndNight(false),
  /** Devices with an interval of their own that they do not tell. */
  unannounced: ownIntervals(true),
  'unannounced, unnumbered': ownIntervals(false),
  /** Daily meters with drifting clocks that are set now and then. */
  meter: fleet(RHYTHM, { intervalMs: DAY, budget: 1, devices: 1500, days: 730 }, (dice) => ({
    losses: [mixedLink(dice)],
    delay: wan(dice),
    driftPpm: uniform(dice, -200, 200),
    stepMs: 20 * MINUTE,
    beatsPerStep: 60,
  })),

  /** Devices join all the time and live for a month: most of the fleet is always nearly new. */
  joining: fleet(NEW, { ...QUARTER, budget: 2, devices: 800, days: 30 }, (dice) => {
    const joinsAt = uniform(dice, 0, 365 * DAY);
    return { ...mixed(dice), joinsAt, leavesAt: joinsAt + 30 * DAY };
  }),
  /** Ten devices are all there are to learn from. */
  'ten devices': fleet(NEW, { ...QUARTER, budget: 2, devices: 10, days: 365 }, mixed),
  'newcomers, 30 beats': newcomers(mixedLink),
  'newcomers, 30 beats on worse links': newcomers((dice) =>
    markov(logUniform(dice, 0.05, 0.3), uniform(dice, 0.5, 0.9)),
  ),
};

function wired(dice: Random): Traits {
  return {
    losses: [independent(logUniform(dice, 1e-4, 1e-2))],
    delay: withTail(exponentialDelay(20, logUniform(dice, 10, 100)), 0.001, 500, 1.5),
    jitter: 0.05,
  };
}

function mixed(dice: Random): Traits {
  return { losses: [mixedLink(dice)], delay: wan(dice), jitter: 0.1 };
}

function changing(dice: Random): Traits {
  const good = logUniform(dice, 0.003, 0.03);
  const bad = uniform(dice, 0.3, 0.8);
  const stages = 40;
  const losses = Array.from({ length: stages + 1 }, (_, i) => {
    const loss = good + ((bad - good) * i) / stages;
    return markov(loss, Math.max(loss, 0.3));
  });
  const turnsAt = uniform(dice, 20, 160) * DAY;
  const lasts = dice.next() < 0.2 ? MINUTE : uniform(dice, 7, 40) * DAY;
  const backAt = turnsAt + lasts + uniform(dice, 20, 80) * DAY;
  const stageAt = (t: number): number =>
    Math.round(stages * Math.max(0, Math.min(1, (t - turnsAt) / lasts, 1 - (t - backAt) / lasts)));
  return { losses, stageAt, delay: wan(dice), jitter: 0.1 };
}

function dayAndNight(announces: boolean): LinkFamily {
  return fleet(RHYTHM, { ...QUARTER, budget: 2, devices: 120, days: 180 }, (dice) => {
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

function ownIntervals(numbersBeats: boolean): LinkFamily {
  return fleet(RHYTHM, { ...QUARTER, budget: 1, devices: 120, days: 180 }, (dice) => {
    const intervalMs = pick(dice, [10, 15, 15, 20, 30]) * MINUTE;
    return {
      losses: [mixedLink(dice)],
      delay: wan(dice),
      announces: false,
      numbersBeats,
      jitter: 0.002,
      intervalAt: () => intervalMs,
    };
  });
}

/**
 * A class that a hundred devices have made known for two months; then many join, each of which is judged by its
 * first thirty beats. The budget is a month's, so that the count of so short lives means something.
 */
function newcomers(link: (dice: Random) => Loss): LinkFamily {
  const KNOWN = 100;
  const knownFor = 60 * DAY;
  return fleet(NEW, { ...QUARTER, budget: 12, devices: 6000, days: 62 }, (dice, nth) => {
    if (nth < KNOWN) return { ...mixed(dice), judged: false };
    const joinsAt = knownFor + uniform(dice, 0, DAY);
    return { ...mixed(dice), losses: [link(dice)], joinsAt, leavesAt: joinsAt + 30 * 15 * MINUTE };
  });
}

function fleet(
  group: LinkFamily['group'],
  size: Size,
  traits: (dice: Random, nth: number) => Traits,
): LinkFamily {
  const draw = (seed: number, scale: number): Family => {
    const dice = random(seed, 0);
    const count = Math.max(4, Math.round(size.devices * scale));
    return {
      intervalMs: size.intervalMs,
      falseAlarmsPerDeviceYear: size.budget,
      devices: Array.from({ length: count }, (_, nth) =>
        deviceOf({ intervalAt: () => size.intervalMs, leavesAt: size.days * DAY, ...traits(dice, nth) }),
      ),
    };
  };
  return { group, draw };
}
