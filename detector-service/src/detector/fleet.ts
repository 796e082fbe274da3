/** The devices with the algorithm of their class: what is known, and what silence that lets us expect. */
import { freshnessModel } from './algorithm.ts';
import { blindShift } from './blind-shift.ts';
import type { ClassConfig, ProofOfLife } from './class-config.ts';
import { DeviceTable, FLAG } from './device-table.ts';
import type { Placement } from './evidence.ts';
import type { Arrival, Freshness, FreshnessModel, Plan } from './freshness-model.ts';
import { GROUP_KINDS, Groups } from './groups.ts';
import { REASONS, type Reason, STATES, type State, type Subject } from './transition.ts';

export interface DeviceClass {
  readonly name: string;
  readonly config: ClassConfig;
  readonly model: FreshnessModel;
}

export class Fleet {
  readonly table: DeviceTable;
  readonly groups: Groups;
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
    const stride = Math.max(0, ...this.classes.map(({ model }) => model.slots));
    this.table = new DeviceTable(this.classes.length, stride);
    this.groups = new Groups(this.table);
  }

  /** The device's index; −1 when it, or its class, is not known. */
  find(deviceClass: string, name: string): number {
    return this.table.indexOf(this.classNumber(deviceClass) ?? -1, name);
  }

  classNumber(name: string): number | undefined {
    return this.#classNumbers.get(name);
  }

  register(classNumber: number, name: string): number {
    const device = this.table.add(classNumber, name);
    const { config, model } = this.classOf(device);
    this.table.intervalMs[device] = config.intervalMs;
    model.init(this.table.learned, device * this.table.stride);
    return device;
  }

  remove(device: number): void {
    this.groups.remove(device);
    this.table.remove(device);
  }

  /** Class, name and place of a device. */
  subject(device: number): Subject {
    const { table } = this;
    return {
      device: table.nameAt(device) as string,
      deviceClass: this.classOf(device).name,
      site: table.places.name(table.site[device] as number),
      gateway: table.places.name(table.gateway[device] as number),
    };
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

  /** Writes a state down; transitions are the verdicts' business. */
  enter(device: number, state: State, reason: Reason, since: number): void {
    this.groups.count(device, this.state(device), state);
    this.table.state[device] = STATES.indexOf(state);
    this.table.reason[device] = REASONS.indexOf(reason);
    this.table.since[device] = since;
  }

  has(device: number, flag: number): boolean {
    return ((this.table.flags[device] as number) & flag) !== 0;
  }

  flag(device: number, flag: number, on: boolean): void {
    const flags = this.table.flags[device] as number;
    this.table.flags[device] = on ? flags | flag : flags & ~flag;
  }

  /** Says where a device hangs; what is not said stays as it was. */
  place(device: number, placement: Placement): void {
    for (const kind of GROUP_KINDS) {
      const name = placement[kind];
      if (name !== undefined) this.groups.assign(device, kind, this.table.places.number(name));
    }
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
    // Whole milliseconds, as a verdict's instant becomes a timestamp; announcements and intervals may have fractions.
    table.expectedBy[device] = Math.ceil(at + plan.expectedInMs);
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

  /** Does not hold the silence from `since` to `at` against the device, and gives it its time to reconnect. */
  forgive(device: number, since: number, at: number): void {
    const { table } = this;
    const lastSeenAt = table.lastSeenAt[device] as number;
    const from = Number.isNaN(lastSeenAt) ? since : Math.max(since, lastSeenAt);
    const expectedBy = table.expectedBy[device] as number;
    const shift = blindShift(from, at, expectedBy, table.intervalMs[device] as number);
    const expectedMs = Math.ceil(shift.expectedMs);
    const reconnectedBy = Math.ceil(at + this.classOf(device).config.reconnectMs);
    table.expectedBy[device] = expectedBy + expectedMs;
    table.suspectAt[device] = Math.max((table.suspectAt[device] as number) + expectedMs, reconnectedBy);
    table.deadAt[device] = Math.max(
      (table.deadAt[device] as number) + Math.ceil(shift.deadMs),
      reconnectedBy,
    );
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
