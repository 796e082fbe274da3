import type { Delay } from './delay.ts';
import type { Loss } from './loss.ts';
import { random } from './random.ts';
import { Score, YEAR_MS } from './score.ts';
import type { Beat, Device, Family } from './world.ts';

/**
 * The detector that knows every link: its true loss process and delays, and the true schedule. It takes for each
 * gap the shortest deadline whose survival is at most a threshold. All thresholds of a grid run at once, so that
 * its detection time can be read off at any achieved false-alarm rate.
 */
export class Oracle {
  readonly #family: Family;
  readonly #scores = FACTORS.map(() => new Score());
  readonly #tables = new Map<string, readonly Reach[]>();
  readonly #last: (Beat | undefined)[] = [];

  constructor(family: Family) {
    this.#family = family;
  }

  arrival(beat: Readonly<Beat>): void {
    const last = this.#last[beat.device];
    if (last !== undefined) this.#settle(last, beat.at - last.at);
    this.#last[beat.device] = { ...beat };
  }

  /** E[T_D] in intervals at an achieved rate of mistakes, between the two thresholds next to it. */
  detectionAt(mistakesPerYear: number): number {
    const points = this.#scores.map((score) => ({
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

  #settle(last: Beat, gapMs: number): void {
    const device = this.#family.devices[last.device] as Device;
    const stage = device.stageAt(last.at);
    const intervalMs = device.intervalAt(last.at);
    const key = `${last.device}/${stage}/${Math.round(intervalMs)}`;
    let table = this.#tables.get(key);
    if (table === undefined) {
      table = reaches(
        device.losses[stage] as Loss,
        device,
        intervalMs,
        this.#family.falseAlarmsPerDeviceYear,
      );
      this.#tables.set(key, table);
    }
    let planned = last.nextMs;
    let beats = 1;
    for (let f = 0; f < FACTORS.length; f++) {
      // From the largest factor down the reach only grows, so that the schedule is walked once.
      const reach = table[FACTORS.length - 1 - f] as Reach;
      if (device.steady) planned = last.nextMs + (reach.beats - 1) * intervalMs;
      else for (; beats < reach.beats; beats++) planned += device.intervalAt(last.at + planned);
      (this.#scores[FACTORS.length - 1 - f] as Score).gap(gapMs, planned + reach.marginMs, intervalMs);
    }
  }
}

/** Factors on the budgeted survival, ascending. */
const FACTORS = Array.from({ length: 45 }, (_, i) => 0.02 * 1.2 ** i);

/** Trust until `marginMs` after the `beats`-th expected beat. */
interface Reach {
  readonly beats: number;
  readonly marginMs: number;
}

function reaches(loss: Loss, device: Device, intervalMs: number, budget: number): Reach[] {
  const late = lateAfter(device, intervalMs);
  let meanGapBeats = 1;
  for (let k = 1; k < 2000; k++) meanGapBeats += loss.survival(k);
  const perGap = (budget * meanGapBeats * intervalMs) / YEAR_MS;
  return FACTORS.map((factor) => reach(loss, late, intervalMs, Math.min(0.5, factor * perGap)));
}

function reach(
  loss: Loss,
  late: (missed: number, x: number) => number,
  intervalMs: number,
  limit: number,
): Reach {
  const survival = (k: number, x: number): number => {
    let sum = loss.survival(k);
    for (let back = 0; back < Math.min(k, 20); back++) {
      const j = k - 1 - back;
      sum += (loss.survival(j) - loss.survival(j + 1)) * late(j, x + back * intervalMs);
    }
    return sum;
  };
  let k = 1;
  while (survival(k, intervalMs) > limit && k < 50_000)
    k = loss.survival(k) > 2 * limit ? k + 1 + (k >> 6) : k + 1;
  let low = 0;
  let high = intervalMs;
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (survival(k, middle) > limit) low = middle;
    else high = middle;
  }
  return { beats: k, marginMs: high };
}

/** Later beats than the announced one are also unsteady by the jitter of every step in between. */
function lateAfter(device: Device, intervalMs: number): (missed: number, x: number) => number {
  const late = latenessOf(device.delay);
  const spread = device.jitter * intervalMs;
  return (missed, x) => {
    if (missed === 0 || spread === 0) return late(x);
    let sum = 0;
    for (let i = 0; i < 16; i++) {
      const u = (i + 0.5) / 8 - 1;
      const off = missed === 1 ? u * spread : Math.tan(u * 1.2) * 0.55 * spread * Math.sqrt(missed);
      sum += x - off < 0 ? 1 : late(x - off);
    }
    return sum / 16;
  };
}

const known = new WeakMap<Delay, (x: number) => number>();

/** Survival of the lateness: this beat's delay less the one before it. Tabulated over the logarithm. */
function latenessOf(delay: Delay): (x: number) => number {
  const ready = known.get(delay);
  if (ready !== undefined) return ready;
  const dice = random(1);
  const before = Array.from({ length: 200 }, () => delay.draw(dice));
  const steps = 8;
  const table = Float64Array.from({ length: 36 * steps }, (_, i) => {
    const x = 2 ** (i / steps);
    return Math.log(
      Math.max(1e-300, before.reduce((sum, d) => sum + delay.survival(x + d), 0) / before.length),
    );
  });
  const late = (x: number): number => {
    const position = Math.min(table.length - 2, Math.max(0, Math.log2(Math.max(1, x)) * steps));
    const i = Math.floor(position);
    const a = table[i] as number;
    return Math.exp(a + (position - i) * ((table[i + 1] as number) - a));
  };
  known.set(delay, late);
  return late;
}
