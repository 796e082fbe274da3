/**
 * `node main.js [FAMILY,…] [SEEDS] [SCALE] [FIRST SEED]`: the adaptive model and its baselines on every workload
 * family, beside the oracle and the best fixed multiple in hindsight. Prints a Markdown table.
 */
import {
  ALGORITHMS,
  classConfig,
  type Deadlines,
  type FreshnessModel,
  freshnessModel,
  type Gap,
} from '@slowbeat/detector-service/detector';
import { families } from './families.ts';
import { Oracle } from './oracle.ts';
import { random } from './random.ts';
import { FixedMultiples, Score, YEAR_MS } from './score.ts';
import { type Beat, type Device, type Family, play } from './world.ts';

/** Gaps of a device that count as its beginning. */
const FIRST_GAPS = 30;

/** One model on one family: keeps the deadlines in force and scores them against what came. */
class Player {
  readonly score = new Score();
  readonly first = new Score();
  readonly #family: Family;
  readonly #model: FreshnessModel;
  readonly #state: Float32Array;
  readonly #last: (Beat | undefined)[] = [];
  readonly #deadMs: Float64Array;
  readonly #gaps: Int32Array;
  readonly #gap: Gap;
  readonly #deadlines: Deadlines = { expectedMs: 0, suspectMs: 0, deadMs: 0 };

  constructor(family: Family, model: FreshnessModel) {
    const count = family.devices.length;
    this.#family = family;
    this.#model = model;
    this.#state = new Float32Array(count * model.slots);
    this.#deadMs = new Float64Array(count);
    this.#gaps = new Int32Array(count);
    this.#gap = { at: 0, nextMs: 0, intervalMs: family.intervalMs, gapMs: 0, missed: 0, mistake: false };
  }

  arrival(beat: Readonly<Beat>): void {
    const i = beat.device;
    const base = i * this.#model.slots;
    const device = this.#family.devices[i] as Device;
    const last = this.#last[i];
    const gap = this.#gap;
    if (last === undefined) this.#model.init(this.#state, base);
    else {
      const due = this.#deadMs[i] as number;
      const intervalMs = device.intervalAt(last.at);
      gap.at = last.at;
      gap.nextMs = device.announces ? last.nextMs : 0;
      gap.gapMs = beat.at - last.at;
      gap.missed = device.numbersBeats ? beat.missed : -1;
      gap.mistake = gap.gapMs > due;
      this.score.gap(gap.gapMs, due, intervalMs);
      if ((this.#gaps[i] as number) < FIRST_GAPS) this.first.gap(gap.gapMs, due, intervalMs);
      this.#gaps[i] = (this.#gaps[i] as number) + 1;
      this.#model.learn(this.#state, base, gap);
    }
    this.#last[i] = { ...beat };
    gap.at = beat.at;
    gap.nextMs = device.announces ? beat.nextMs : 0;
    if (gap.nextMs > 0) this.#model.announce(this.#state, base, gap);
    this.#model.freshness(this.#state, base, gap, this.#deadlines);
    this.#deadMs[i] = this.#deadlines.deadMs;
  }
}

interface Outcome {
  readonly mistakes: number;
  readonly allowed: number;
  readonly firstMistakes: number;
  readonly firstAllowed: number;
  readonly detection: number;
  /** E[T_D] over the oracle's at the achieved rate, and over the best multiple's at the achieved and the budgeted. */
  readonly toOracle: number;
  readonly toFixedSame: number;
  readonly toFixedBudget: number;
  readonly baselines: readonly { name: string; perYear: number; detection: number }[];
}

function run(family: Family, seed: number): Outcome {
  const { intervalMs, falseAlarmsPerDeviceYear } = family;
  const player = (algorithm: (typeof ALGORITHMS)[number]) =>
    new Player(family, freshnessModel(classConfig({ intervalMs, falseAlarmsPerDeviceYear, algorithm })));
  const adaptive = player('adaptive');
  const baselines = ALGORITHMS.filter((name) => name !== 'adaptive' && name !== 'fixed').map((name) => ({
    name,
    player: player(name),
  }));
  const oracle = new Oracle(family);
  const fixed = new FixedMultiples();
  const lastAt = new Float64Array(family.devices.length).fill(-1);
  play(family, seed, (beat) => {
    const device = family.devices[beat.device] as Device;
    const before = lastAt[beat.device] as number;
    if (before >= 0)
      fixed.gap(beat.at - before, device.announces ? device.intervalAt(before) : family.intervalMs);
    lastAt[beat.device] = beat.at;
    oracle.arrival(beat);
    adaptive.arrival(beat);
    for (const { player } of baselines) player.arrival(beat);
  });
  const { score, first } = adaptive;
  const budget = family.falseAlarmsPerDeviceYear;
  const allowed = (budget * score.aliveMs) / YEAR_MS;
  return {
    mistakes: score.mistakes,
    allowed,
    firstMistakes: first.mistakes,
    firstAllowed: (budget * first.aliveMs) / YEAR_MS,
    detection: score.detection,
    toOracle: score.detection / oracle.detectionAt(score.mistakesPerYear),
    toFixedSame: score.detection / fixed.best(score.mistakes).detection,
    toFixedBudget: score.detection / fixed.best(allowed).detection,
    baselines: baselines.map(({ name, player }) => ({
      name,
      perYear: player.score.mistakesPerYear,
      detection: player.score.detection,
    })),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;

/** 95 % interval of a statistic over seeds, by the bootstrap. */
function interval(outcomes: readonly Outcome[], statistic: (drawn: readonly Outcome[]) => number): string {
  const dice = random(1, 99);
  const draws = Array.from({ length: 400 }, () =>
    statistic(outcomes.map(() => outcomes[Math.floor(dice.next() * outcomes.length)] as Outcome)),
  ).sort((a, b) => a - b);
  const at = (share: number): string => (draws[Math.floor(share * (draws.length - 1))] as number).toFixed(2);
  return `${statistic(outcomes).toFixed(2)} [${at(0.025)}, ${at(0.975)}]`;
}

const wanted = (process.argv[2] ?? '').split(',').filter((name) => name !== '');
const seeds = Number(process.argv[3] ?? 20);
const scale = Number(process.argv[4] ?? 1);
const firstSeed = Number(process.argv[5] ?? 1);

process.stdout.write(
  '| family | achieved / budget | mistakes | first 30 | E[T_D] | / oracle | / best multiple, same rate | / best multiple, at budget | baselines: false alarms per device-year, E[T_D] |\n' +
    '|---|---|---|---|---|---|---|---|---|\n',
);
for (const [name, make] of Object.entries(families)) {
  if (wanted.length > 0 && !wanted.includes(name.replaceAll(/[ ,]+/g, '-'))) continue;
  const outcomes = Array.from({ length: seeds }, (_, i) => run(make(firstSeed + i, scale), firstSeed + i));
  const ratio = (drawn: readonly Outcome[]): number =>
    sum(drawn.map((o) => o.mistakes)) / sum(drawn.map((o) => o.allowed));
  const of = (pick: (o: Outcome) => number) => (drawn: readonly Outcome[]) => mean(drawn.map(pick));
  const baselines = (outcomes[0] as Outcome).baselines.map(
    ({ name: baseline }, b) =>
      `${baseline}: ${mean(outcomes.map((o) => o.baselines[b]?.perYear ?? 0)).toPrecision(3)}, ` +
      mean(outcomes.map((o) => o.baselines[b]?.detection ?? 0)).toFixed(1),
  );
  process.stdout.write(
    `| ${name} | ${interval(outcomes, ratio)} | ${sum(outcomes.map((o) => o.mistakes))} of ${sum(outcomes.map((o) => o.allowed)).toFixed(0)} ` +
      `| ${sum(outcomes.map((o) => o.firstMistakes))} of ${sum(outcomes.map((o) => o.firstAllowed)).toFixed(1)} ` +
      `| ${mean(outcomes.map((o) => o.detection)).toFixed(2)} | ${interval(
        outcomes,
        of((o) => o.toOracle),
      )} ` +
      `| ${interval(
        outcomes,
        of((o) => o.toFixedSame),
      )} | ${interval(
        outcomes,
        of((o) => o.toFixedBudget),
      )} | ${baselines.join('; ')} |\n`,
  );
}
