/** The devices with the algorithm of their class: what is known, and what silence that lets us expect. */
import {
  type Deadlines,
  type FreshnessModel,
  freshnessModel,
  type Gap,
  type Plan,
} from './algorithms/index.ts';
import { blindShift } from './blind-shift.ts';
import type { ClassConfig, ProofOfLife } from './class-config.ts';
import { DeviceTable, FLAG } from './device-table.ts';
import { flapLevel, flapMargin, flapped } from './flapping.ts';
import type { GroupKind } from './group.ts';
import { Groups } from './groups.ts';
import { ReconnectTimes } from './reconnect-times.ts';
import { REASONS, type Reason, STATES, type State, type Subject } from './transition.ts';

/** A beat that comes before this share of its announced time was not the one that was announced. */
const EARLY_SHARE = 0.9;
/** However short the time without a connection was, a device is given so many intervals to be back. */
const RECONNECT_INTERVALS = 2;
const HOUR_MS = 3_600_000;
/** A level up to which no more than one mistake is remembered, with what its column rounds off. */
const ONE_MISTAKE = 1.1;

export interface DeviceClass {
  readonly name: string;
  readonly config: ClassConfig;
  readonly model: FreshnessModel;
  readonly reconnect: ReconnectTimes;
  /** [longest sleep that a device has announced, ms], in place: for a snapshot to read and to fill. */
  readonly sleep: Float64Array;
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
  readonly #plan: Plan = { at: 0, nextMs: 0, intervalMs: 0 };
  readonly #deadlines: Deadlines = { expectedMs: 0, suspectMs: 0, deadMs: 0 };
  readonly #gap: Gap = { at: 0, nextMs: 0, intervalMs: 0, gapMs: 0, missed: -1, mistake: false };

  constructor(classes: Readonly<Record<string, ClassConfig>>, outageGroups: readonly GroupKind[]) {
    this.classes = Object.entries(classes).map(([name, config]) => ({
      name,
      config,
      model: freshnessModel(config),
      reconnect: new ReconnectTimes(config.reconnectMs, config.falseAlarmsPerDeviceYear),
      sleep: new Float64Array(1),
    }));
    this.#classNumbers = new Map(this.classes.map(({ name }, number) => [name, number]));
    const slots = this.classes.reduce((most, { model }) => Math.max(most, model.slots), 0);
    this.table = new DeviceTable(this.classes.length, slots);
    this.groups = new Groups(this.table, outageGroups);
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
    this.table.intervalMs.set(device, config.intervalMs);
    model.init(this.table.learned.values, this.table.learned.base(device));
    return device;
  }

  remove(device: number): void {
    this.groups.remove(device);
    this.table.remove(device);
  }

  /** Class, name and place of a device. */
  subject(device: number): Subject {
    const { site, gateway } = this.groups.at(device);
    return { device: this.table.nameAt(device), deviceClass: this.classOf(device).name, site, gateway };
  }

  classOf(device: number): DeviceClass {
    return this.classes[this.table.classIndex.get(device)] as DeviceClass;
  }

  proves(device: number, kind: ProofOfLife): boolean {
    return this.classOf(device).config.proofOfLife.includes(kind);
  }

  state(device: number): State {
    return STATES[this.table.state.get(device)] as State;
  }

  reason(device: number): Reason {
    return REASONS[this.table.reason.get(device)] as Reason;
  }

  /** Writes a state down; transitions are the verdicts' business. */
  enter(device: number, state: State, reason: Reason, since: number): void {
    this.groups.count(device, this.state(device), state);
    this.table.state.set(device, STATES.indexOf(state));
    this.table.reason.set(device, REASONS.indexOf(reason));
    this.table.since.set(device, since);
  }

  has(device: number, flag: number): boolean {
    return (this.table.flags.get(device) & flag) !== 0;
  }

  flag(device: number, flag: number, on: boolean): void {
    const flags = this.table.flags.get(device);
    this.table.flags.set(device, on ? flags | flag : flags & ~flag);
  }

  /**
   * Sets the freshness points for a silence that begins at `at`.
   *
   * @param nextMs how long the silence is meant to last; absent when nobody said
   */
  expectNext(device: number, at: number, nextMs = 0): void {
    const { table } = this;
    const { config, model } = this.classOf(device);
    const plan = this.#plan;
    const deadlines = this.#deadlines;
    plan.at = at;
    plan.nextMs = nextMs;
    plan.intervalMs = table.intervalMs.get(device);
    model.freshness(table.learned.values, table.learned.base(device), plan, deadlines);
    const capMs = deadlines.expectedMs + config.maxSilenceMs;
    const flapping = model.cautious ? 0 : this.flapLevel(device, at);
    const extraMs = flapping > 1 ? (flapMargin(flapping) - 1) * (deadlines.deadMs - deadlines.expectedMs) : 0;
    const deadMs = Math.min(Math.max(deadlines.deadMs + extraMs, config.minSilenceMs), capMs);
    // Whole milliseconds, as a verdict's instant becomes a timestamp; announcements and intervals may have fractions.
    table.expectedBy.set(device, Math.ceil(at + deadlines.expectedMs));
    table.suspectAt.set(device, Math.ceil(at + Math.min(deadlines.suspectMs, deadMs)));
    table.deadAt.set(device, Math.ceil(at + deadMs));
    this.flag(device, FLAG.announced, nextMs > 0);
  }

  /** How many mistakes about the device are remembered; 0 while it is not more than one. */
  flapLevel(device: number, at: number): number {
    const flapsUntil = this.table.flapsUntilH.get(device) * HOUR_MS;
    if (flapsUntil <= at) return 0;
    const level = flapLevel(flapsUntil, at, this.table.intervalMs.get(device));
    return level > ONE_MISTAKE ? level : 0;
  }

  /** It was called dead, and lived. */
  mistaken(device: number, at: number): void {
    const { flapsUntilH, intervalMs } = this.table;
    const until = flapped(flapsUntilH.get(device) * HOUR_MS, at, intervalMs.get(device));
    flapsUntilH.set(device, until / HOUR_MS);
  }

  /**
   * Takes a beat in: teaches the algorithm the gap that it ends, and what it announces.
   *
   * Not every gap teaches. Not one in which we were deaf, nor one that a cause common to the group explains, nor an
   * announced pause, nor one in which the device was down: that would teach that long silence is normal.
   *
   * @param missed beats lost in the gap; −1 when the device does not number them
   * @param nextMs announced time until the next beat; 0 for none
   */
  beat(device: number, at: number, missed: number, nextMs: number, rebooted: boolean): void {
    const { table } = this;
    const { model, reconnect } = this.classOf(device);
    const learned = table.learned.values;
    const base = table.learned.base(device);
    if (!rebooted && this.#teaches(device, at, missed)) {
      const gap = this.#gap;
      gap.at = table.lastBeatAt.get(device);
      gap.nextMs = table.nextMs.get(device);
      gap.intervalMs = table.intervalMs.get(device);
      gap.gapMs = at - gap.at;
      gap.missed = missed;
      gap.mistake = this.has(device, FLAG.calledDead);
      reconnect.watched(gap.gapMs);
      model.learn(learned, base, gap);
    }
    this.flag(device, FLAG.calledDead, false);
    table.lastBeatAt.set(device, at);
    table.nextMs.set(device, nextMs);
    if (nextMs > 0) {
      if (!this.has(device, FLAG.intervalStated)) table.intervalMs.set(device, nextMs);
      const plan = this.#plan;
      plan.at = at;
      plan.nextMs = nextMs;
      plan.intervalMs = table.intervalMs.get(device);
      model.announce(learned, base, plan);
    }
  }

  #teaches(device: number, at: number, missed: number): boolean {
    if (!(this.table.lastBeatAt.get(device) >= this.hearingSince)) return false;
    if (this.has(device, FLAG.saidBye)) return false;
    // Sooner than announced: out of a backlog, or at once after a new connection, beside the schedule.
    const sinceLastMs = at - this.table.lastBeatAt.get(device);
    if (missed <= 0 && sinceLastMs < EARLY_SHARE * this.table.nextMs.get(device)) return false;
    return this.counts(device);
  }

  /** False for a silence that says nothing about the device's own link. */
  counts(device: number): boolean {
    const state = this.state(device);
    return state !== 'unknown' && state !== 'unreachable' && state !== 'asleep';
  }

  /** The gap that the next beat ends began with something else than a beat in order. */
  beginAnew(device: number): void {
    this.table.lastBeatAt.set(device, NaN);
  }

  /** Does not hold the silence from `since` to `at` against the device, and gives it its time to reconnect. */
  forgive(device: number, since: number, at: number): void {
    const { table } = this;
    const lastSeenAt = table.lastSeenAt.get(device);
    const from = Number.isNaN(lastSeenAt) ? since : Math.max(since, lastSeenAt);
    const expectedBy = table.expectedBy.get(device);
    const shiftMs = Math.ceil(blindShift(from, at, expectedBy, table.intervalMs.get(device)));
    const { reconnectMs } = this.classOf(device).config;
    // Waits between attempts double: none is longer than all the time without a connection so far.
    const waitMs = Math.min(
      reconnectMs,
      Math.max(RECONNECT_INTERVALS * table.intervalMs.get(device), at - since),
    );
    const reconnectedBy = Math.ceil(at + waitMs);
    table.expectedBy.set(device, expectedBy + shiftMs);
    // What is expected now is no longer what the algorithm would say by itself.
    if (shiftMs > 0) this.flag(device, FLAG.announced, true);
    table.suspectAt.set(device, Math.max(table.suspectAt.get(device) + shiftMs, reconnectedBy));
    const awakeBy = shiftMs > 0 && this.has(device, FLAG.sleeps) ? this.#awakeBy(device, at) : 0;
    table.deadAt.set(device, Math.max(table.deadAt.get(device) + shiftMs, reconnectedBy, awakeBy));
  }

  /** It says that it will be silent for so long by intent, as others of its class may do. */
  sleeps(device: number, sleepMs: number): void {
    const { sleep } = this.classOf(device);
    sleep[0] = Math.max(sleep[0] as number, sleepMs);
    this.flag(device, FLAG.sleeps, true);
  }

  /** When it is dead if it fell asleep at `at`, and nobody heard it say so. */
  #awakeBy(device: number, at: number): number {
    const { model, sleep } = this.classOf(device);
    const { learned } = this.table;
    const deadlines = this.#deadlines;
    model.freshness(learned.values, learned.base(device), this.planOf(device), deadlines);
    return Math.ceil(at + (sleep[0] as number) + deadlines.deadMs - deadlines.expectedMs);
  }

  /** The plan behind the device's present deadlines. The same object at each call. */
  planOf(device: number): Plan {
    const { table } = this;
    const plan = this.#plan;
    plan.at = table.lastSeenAt.get(device);
    plan.intervalMs = table.intervalMs.get(device);
    plan.nextMs = this.has(device, FLAG.announced) ? table.expectedBy.get(device) - plan.at : 0;
    return plan;
  }

  /** Suspicion level at `at`; 0 for a device that was never heard. */
  phi(device: number, at: number): number {
    const { table } = this;
    const silenceMs = at - table.lastSeenAt.get(device);
    if (!(silenceMs > 0)) return 0;
    const { model } = this.classOf(device);
    const { learned } = table;
    return Math.max(0, model.phi(learned.values, learned.base(device), this.planOf(device), silenceMs));
  }
}
