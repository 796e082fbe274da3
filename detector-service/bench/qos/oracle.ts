import { lateAfter } from './lateness.ts';
import type { Loss } from './loss.ts';
import { type CurvePoint, Score, YEAR_MS } from './score.ts';
import type { Device, Family } from './world.ts';

/** Factors on the budgeted survival, ascending: from a fiftieth of the budget to forty times as much. */
const FACTORS = Array.from({ length: 24 }, (_, i) => 0.02 * 1.4 ** i);

/**
 * The detector that knows every link: its true loss process and delays, and the true schedule. It takes for each
 * gap the shortest deadline whose survival is at most a threshold. All thresholds of a grid run at once, so that
 * its detection time can be read off at any achieved false-alarm rate.
 */
export class Oracle {
  readonly #family: Family;
  readonly #scores = FACTORS.map(() => new Score());
  /** By device: what it needs in each state of its link and schedule, and which of them it used last. */
  readonly #tables: Map<string, readonly Reach[]>[];
  readonly #latest: ({ stage: number; intervalMs: number; table: readonly Reach[] } | undefined)[] = [];

  constructor(family: Family) {
    this.#family = family;
    this.#tables = family.devices.map(() => new Map());
  }

  /** A gap that began at `from` with the next beat announced for `nextMs` later. */
  gap(index: number, from: number, nextMs: number, gapMs: number, intervalMs: number): void {
    const device = this.#family.devices[index] as Device;
    const table = this.#table(index, device, device.stageAt(from), intervalMs);
    // It knows how fast the device's clock runs.
    const rate = 1 + device.driftPpm * 1e-6;
    let planned = nextMs;
    let beats = 1;
    // From the largest factor down the reach only grows, so that the schedule is walked once.
    for (let f = FACTORS.length - 1; f >= 0; f--) {
      const reach = table[f] as Reach;
      if (device.steady) planned = nextMs + (reach.beats - 1) * intervalMs;
      else for (; beats < reach.beats; beats++) planned += device.intervalAt(from + planned);
      (this.#scores[f] as Score).gap(gapMs, planned * rate + reach.marginMs, intervalMs);
    }
  }

  /** E[T_D] in intervals at an achieved rate of mistakes, between the two thresholds next to it. */
  detectionAt(mistakesPerYear: number): number {
    const points = this.#scores.map((score) => ({
      // A third of a mistake stands for none, whose logarithm there is not.
      rate: (score.mistakes + 0.3) / (score.aliveMs / YEAR_MS),
      detection: score.detection,
    }));
    const wanted = Math.log(Math.max(mistakesPerYear, 1e-9));
    for (let i = 1; i < points.length; i++) {
      const low = points[i - 1] as { rate: number; detection: number };
      const high = points[i] as { rate: number; detection: number };
      if (high.rate < mistakesPerYear && i < points.length - 1) continue;
      const span = Math.log(high.rate) - Math.log(low.rate);
      const share = span > 0 ? Math.min(1, Math.max(0, (wanted - Math.log(low.rate)) / span)) : 0;
      return low.detection + share * (high.detection - low.detection);
    }
    return Number.NaN;
  }

  curve(): CurvePoint[] {
    return this.#scores.map(({ mistakesPerYear, detection }) => ({ perYear: mistakesPerYear, detection }));
  }

  #table(index: number, device: Device, stage: number, intervalMs: number): readonly Reach[] {
    const latest = this.#latest[index];
    if (latest !== undefined && latest.stage === stage && latest.intervalMs === intervalMs)
      return latest.table;
    const tables = this.#tables[index] as Map<string, readonly Reach[]>;
    const key = `${stage}/${Math.round(intervalMs)}`;
    let table = tables.get(key);
    if (table === undefined) {
      const loss = device.losses[stage] as Loss;
      table = reaches(loss, device, intervalMs, this.#family.falseAlarmsPerDeviceYear);
      tables.set(key, table);
    }
    this.#latest[index] = { stage, intervalMs, table };
    return table;
  }
}

/** Trust until `marginMs` after the `beats`-th expected beat. */
interface Reach {
  readonly beats: number;
  readonly marginMs: number;
}

function reaches(loss: Loss, device: Device, intervalMs: number, budget: number): Reach[] {
  const late = lateAfter(device.delay, {
    spreadMs: device.jitter * intervalMs,
    stepMs: device.stepMs,
    stepChance: device.stepMs > 0 ? 1 / device.beatsPerStep : 0,
  });
  let meanGapBeats = 1;
  for (let k = 1; k < 2000; k++) meanGapBeats += loss.survival(k);
  const perGap = (budget * meanGapBeats * intervalMs) / YEAR_MS;
  let beats = 1;
  // From the largest factor down the reach only grows, so that each search begins where the last one ended.
  return FACTORS.toReversed()
    .map((factor) => {
      const found = reach(loss, late, intervalMs, Math.min(0.5, factor * perGap), beats);
      beats = found.beats;
      return found;
    })
    .reverse();
}

/** Beats back from the latest expected one that may still be on their way. */
const ON_THE_WAY_MAX = 20;

function reach(
  loss: Loss,
  late: (missed: number, x: number) => number,
  intervalMs: number,
  limit: number,
  fromBeats: number,
): Reach {
  const survival = (k: number, x: number): number => {
    let sum = loss.survival(k);
    for (let back = 0; back < Math.min(k, ON_THE_WAY_MAX); back++) {
      const j = k - 1 - back;
      const onTheWay = late(j, x + back * intervalMs);
      sum += (loss.survival(j) - loss.survival(j + 1)) * onTheWay;
      // Earlier beats are later still, and matter less.
      if (onTheWay < 1e-4 * limit) break;
    }
    return sum;
  };
  let k = fromBeats;
  while (survival(k, intervalMs) > limit && k < 50_000)
    k = loss.survival(k) > 2 * limit ? k + 1 + (k >> 6) : k + 1;
  let low = 0;
  let high = intervalMs;
  for (let i = 0; i < 16; i++) {
    const middle = (low + high) / 2;
    if (survival(k, middle) > limit) low = middle;
    else high = middle;
  }
  return { beats: k, marginMs: high };
}
