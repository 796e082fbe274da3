import {
  type Algorithm,
  classConfig,
  type Deadlines,
  type FreshnessModel,
  freshnessModel,
  type Gap,
  type Plan,
} from '@slowbeat/detector-service/detector';
import { FullScore, Score } from './score.ts';
import type { Family } from './world.ts';

/** Gaps of a device that count as its beginning. */
const FIRST_GAPS = 30;

/** One model on one fleet: keeps the deadlines in force and scores them against what came. */
export class Player {
  readonly name: Algorithm;
  readonly score = new FullScore();
  /** Of the first gaps of each device. */
  readonly first = new Score();
  readonly #model: FreshnessModel;
  readonly #state: Float32Array;
  readonly #deadMs: Float64Array;
  readonly #gaps: Int32Array;
  readonly #deadlines: Deadlines = { expectedMs: 0, suspectMs: 0, deadMs: 0 };

  constructor({ devices, intervalMs, falseAlarmsPerDeviceYear }: Family, algorithm: Algorithm) {
    this.name = algorithm;
    this.#model = freshnessModel(classConfig({ intervalMs, falseAlarmsPerDeviceYear, algorithm }));
    this.#state = new Float32Array(devices.length * this.#model.slots);
    this.#deadMs = new Float64Array(devices.length);
    this.#gaps = new Int32Array(devices.length);
  }

  /** A device is heard for the first time. */
  begin(device: number): void {
    this.#model.init(this.#state, device * this.#model.slots);
  }

  /**
   * A silence is over.
   *
   * @param gap its `mistake` is filled in here
   * @param judged whether it counts
   */
  gap(device: number, gap: Gap, intervalMs: number, judged: boolean): void {
    const due = this.#deadMs[device] as number;
    const nth = this.#gaps[device] as number;
    gap.mistake = gap.gapMs > due;
    if (judged) {
      this.score.gap(gap.gapMs, due, intervalMs);
      if (nth < FIRST_GAPS) this.first.gap(gap.gapMs, due, intervalMs);
    }
    this.#gaps[device] = nth + 1;
    this.#model.learn(this.#state, device * this.#model.slots, gap);
  }

  /** The next silence begins. */
  expect(device: number, plan: Plan): void {
    const base = device * this.#model.slots;
    if (plan.nextMs > 0) this.#model.announce(this.#state, base, plan);
    this.#model.freshness(this.#state, base, plan, this.#deadlines);
    this.#deadMs[device] = this.#deadlines.deadMs;
  }
}
