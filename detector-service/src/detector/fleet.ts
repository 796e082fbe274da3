/** The devices with the algorithm of their class: what is known, and what silence that lets us expect. */
import { freshnessModel } from './algorithm.ts';
import type { ClassConfig, ProofOfLife } from './class-config.ts';
import { DeviceTable, FLAG } from './device-table.ts';
import type { Placement } from './evidence.ts';
import type { Arrival, Freshness, FreshnessModel, Plan } from './freshness-model.ts';
import { REASONS, type Reason, STATES, type State } from './transition.ts';

export interface DeviceClass {
  readonly name: string;
  readonly config: ClassConfig;
  readonly model: FreshnessModel;
}

export class Fleet {
  readonly table: DeviceTable;
  /** By the numbers in the table's class column. */
  readonly classes: readonly DeviceClass[];
  /** End of the latest blind time: a gap that reaches back beyond it teaches nothing. */
  hearingSince = Number.NEGATIVE_INFINITY;

  readonly #classNumbers: ReadonlyMap<string, number>;
  /** Scratch values, so that a heartbeat allocates nothing. */
  readonly #plan: Plan = { expectedInMs: 0, intervalMs: 0 };
  readonly #freshness: Freshness = { suspectMs: 0, deadMs: 0 };
  readonly #arrival: Arrival = { gapMs: 0, expectedGapMs: 0, announced: false, lostBeats: -1 };

  constructor(classes: Readonly<Record<string, ClassConfig>>) {
    this.classes = Object.entries(classes).map(([name, config]) => ({
      name,
      config,
      model: freshnessModel(config),
    }));
    this.#classNumbers = new Map(this.classes.map(({ name }, number) => [name, number]));
    this.table = new DeviceTable(Math.max(0, ...this.classes.map(({ model }) => model.slots)));
  }

  classNumber(name: string): number | undefined {
    return this.#classNumbers.get(name);
  }

  register(key: string, classNumber: number): number {
    const device = this.table.add(key, classNumber);
    const { config, model } = this.classOf(device);
    this.table.intervalMs[device] = config.intervalMs;
    model.init(this.table.learned, device * this.table.stride);
    return device;
  }

  classOf(device: number): DeviceClass {
    return this.classes[this.table.classIndex[device] as number] as DeviceClass;
  }

  proves(device: number, kind: ProofOfLife): boolean {
    return this.classOf(device).config.proofOfLife.includes(kind);
  }

  state(device: number): State {
    return STATES[this.table.state[device] as number] as State;
  }

  reason(device: number): Reason {
    return REASONS[this.table.reason[device] as number] as Reason;
  }

  has(device: number, flag: number): boolean {
    return ((this.table.flags[device] as number) & flag) !== 0;
  }

  flag(device: number, flag: number, on: boolean): void {
    const flags = this.table.flags[device] as number;
    this.table.flags[device] = on ? flags | flag : flags & ~flag;
  }

  place(device: number, { site, gateway, broker }: Placement): void {
    const { table } = this;
    if (site !== undefined) table.site[device] = table.places.number(site);
    if (gateway !== undefined) table.gateway[device] = table.places.number(gateway);
    if (broker !== undefined) table.broker[device] = table.places.number(broker);
  }

  /** Sets the freshness points for a silence that begins at `at`; without an announcement the usual interval counts. */
  expectNext(device: number, at: number, announcedMs?: number): void {
    const { table } = this;
    const { config, model } = this.classOf(device);
    const plan = this.#plan;
    plan.intervalMs = table.intervalMs[device] as number;
    plan.expectedInMs = announcedMs ?? plan.intervalMs;
    model.freshness(table.learned, device * table.stride, plan, this.#freshness);
    const capMs = plan.expectedInMs + config.maxSilenceMs;
    const deadMs = Math.min(Math.max(this.#freshness.deadMs, config.minSilenceMs), capMs);
    table.expectedBy[device] = at + plan.expectedInMs;
    // Whole milliseconds: a verdict's instant becomes a timestamp.
    table.suspectAt[device] = Math.ceil(at + Math.min(this.#freshness.suspectMs, deadMs));
    table.deadAt[device] = Math.ceil(at + deadMs);
    this.flag(device, FLAG.announced, announcedMs !== undefined);
  }

  /**
   * Teaches the algorithm the gap that a beat ends.
   *
   * Not a gap in which we were deaf, nor a pause that was announced, nor one that was judged a death: a device
   * that was down would teach that long silence is normal. A death disproved by sequence numbers does teach.
   */
  learn(device: number, at: number, lostBeats: number): void {
    const { table } = this;
    const previousAt = table.lastBeatAt[device] as number;
    if (!(previousAt >= this.hearingSince)) return;
    const state = this.state(device);
    if (state === 'asleep' || state === 'unknown' || (state === 'dead' && lostBeats <= 0)) return;
    const arrival = this.#arrival;
    arrival.gapMs = at - previousAt;
    arrival.expectedGapMs = (table.expectedBy[device] as number) - previousAt;
    arrival.announced = this.has(device, FLAG.announced);
    arrival.lostBeats = lostBeats;
    this.classOf(device).model.learn(table.learned, device * table.stride, arrival);
  }

  /** The plan behind the device's present deadlines. The same object at each call. */
  planOf(device: number): Plan {
    const { table } = this;
    const plan = this.#plan;
    plan.intervalMs = table.intervalMs[device] as number;
    plan.expectedInMs = (table.expectedBy[device] as number) - (table.lastSeenAt[device] as number);
    return plan;
  }

  /** Suspicion level at `at`; 0 for a device that was never heard. */
  phi(device: number, at: number): number {
    const { table } = this;
    const silenceMs = at - (table.lastSeenAt[device] as number);
    if (!(silenceMs > 0)) return 0;
    const { model } = this.classOf(device);
    return Math.max(0, model.phi(table.learned, device * table.stride, this.planOf(device), silenceMs));
  }
}
