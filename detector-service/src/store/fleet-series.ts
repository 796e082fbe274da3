/**
 * All series of a fleet: verdicts, heartbeats and time in; lines for the journal out.
 *
 * There is no clock in here, and nothing waits: every line that is returned has to be appended before anything else is
 * told. SERIES.md says what is written when.
 */
import type { Transition } from '../detector/transition.ts';
import { BeatCounts, type Heard, type Told } from './beat-counts.ts';
import type { DeviceKey } from './device-key.ts';
import { DeviceRows } from './device-rows.ts';
import { FLEET_MEASUREMENT } from './fleet-group.ts';
import { FleetMinutes } from './fleet-minutes.ts';
import { HearingTimes } from './hearing-times.ts';
import { parseInstant } from './line-protocol.ts';
import { parseSlotKey } from './rollup-line.ts';
import { Rollups } from './rollups.ts';
import type { LatestVerdict, StateSeriesCounters } from './series-report.ts';
import { HOUR, HOUR_MS, MINUTE_MS, slotStart } from './slot.ts';
import { SlotTimes } from './slot-times.ts';
import { slotsClosedMark, slotsClosedTo } from './slots-closed-mark.ts';
import { StateSeries } from './state-series.ts';
import { DAY_MS } from './utc-day.ts';
import { VerdictHistory } from './verdict-history.ts';

export interface HeardBeat extends DeviceKey, Told {
  /** The instant at which silence now makes the device dead. */
  readonly deadAt?: number | undefined;
}

const NO_LINES: readonly string[] = [];

export class FleetSeries {
  readonly rows = new DeviceRows();
  readonly history = new VerdictHistory();
  readonly slots = new SlotTimes(this.history);
  readonly counts = new BeatCounts();
  readonly hearing = new HearingTimes();
  readonly minutes = new FleetMinutes(this.hearing);
  readonly verdicts: StateSeries;
  readonly #rollups = new Rollups(this.rows, this.slots, this.counts, this.hearing);
  /** Up to when every device's hours are closed. */
  #closedTo = Number.NEGATIVE_INFINITY;
  #latestAt = Number.NEGATIVE_INFINITY;

  constructor() {
    this.verdicts = new StateSeries(this.rows, this.history, this.slots, (row) => this.#leave(row));
  }

  /** Lines for one verdict, in order; see {@link StateSeries.record}. */
  record(transition: Transition): string[] {
    const { deviceClass, device, noticedAt } = transition;
    this.#reach(noticedAt);
    const lines = this.verdicts.record(transition);
    const row = this.rows.find(deviceClass, device);
    this.minutes.noticed(row, transition);
    this.#follow(row, noticedAt);
    return lines;
  }

  /**
   * A heartbeat or birth that was news. The lines are those of hours that are over for the device; mostly none. What was
   * measured is the same object at each call.
   */
  heard(beat: HeardBeat, at: number): { lines: readonly string[]; heard: Heard | undefined } {
    this.#reach(at);
    const row = this.rows.find(beat.deviceClass, beat.device);
    if (row < 0) return { lines: NO_LINES, heard: undefined };
    const lines = this.#rollups.isDue(row, at) ? this.#rollups.close(row, at) : NO_LINES;
    const heard = this.counts.hear(row, beat, at);
    const { delayMs, lateMs } = heard;
    const promisedMs = beat.deadAt === undefined ? undefined : beat.deadAt - at;
    const { intervalMs, roundTripMs } = beat;
    const isBeat = beat.kind === 'beat';
    this.minutes.heard(row, { intervalMs, isBeat, roundTripMs, delayMs, lateMs, promisedMs }, at);
    return { lines, heard };
  }

  /** From `at` on, or no longer, nobody can be heard. */
  deaf(at: number): void {
    this.#reach(at);
    this.hearing.deaf(at);
  }

  hears(at: number): void {
    this.#reach(at);
    this.hearing.hears(at);
  }

  /**
   * Lines of all slots that are over at `at` and have not been written, device by device. Lazy: what was taken must be
   * appended before anything else is told; other things may be told between two devices.
   */
  *closeSlots(at: number): Generator<string[]> {
    this.#reach(at);
    yield this.minutes.take();
    const openFrom = slotStart(at, HOUR_MS);
    if (openFrom <= this.#closedTo) return;
    for (const row of this.rows.all()) {
      if (this.#rollups.isDue(row, at)) yield this.#rollups.close(row, at);
    }
    this.#closedTo = openFrom;
    // Deaf spells matter for the open day, and for a day that a stop has left open.
    this.hearing.forget(at - 32 * 24 * HOUR_MS);
    yield [slotsClosedMark(openFrom, this.rows.size)];
  }

  /** True when {@link closeSlots} would give something. */
  isDue(at: number): boolean {
    this.#reach(at);
    return this.minutes.hasLines || slotStart(at, HOUR_MS) > this.#closedTo;
  }

  checkpoint(upTo: number): Iterable<string[]> {
    return this.verdicts.checkpoints(upTo);
  }

  latest(): Iterable<LatestVerdict> {
    return this.verdicts.latest();
  }

  counters(): StateSeriesCounters {
    return this.verdicts.counters();
  }

  /** Up to when every device's hours are closed; for a snapshot. */
  get closedTo(): number {
    return this.#closedTo;
  }

  set closedTo(hour: number) {
    this.#closedTo = hour;
  }

  /**
   * Takes in a line of the journal that was written after what is known here.
   * @returns false for a line that is damaged
   */
  recall(line: string): boolean {
    if (line.startsWith(HOUR.measurement)) return this.#recallHour(line);
    if (line.startsWith(FLEET_MEASUREMENT)) return this.#recallMinute(line);
    const closedTo = slotsClosedTo(line);
    if (closedTo === undefined) return this.verdicts.recall(line);
    for (const row of this.rows.all()) this.#closedUpTo(row, closedTo);
    this.#closedTo = Math.max(this.#closedTo, closedTo);
    return true;
  }

  /** Forgets a device; its row is free. */
  forget(row: number): void {
    this.#leave(row);
    this.history.remove(row);
    this.rows.remove(row);
  }

  /** After a restart: devices stand where their last verdicts leave them, and nothing is expected of them yet. */
  resume(at: number): void {
    this.minutes.resume(at);
    for (const row of this.rows.all()) {
      this.counts.columns.reach(row);
      this.counts.expectNothing(row);
      const { site, state } = this.history.newest(row);
      this.minutes.place(row, this.rows.keyOf(row), site, state, at);
    }
  }

  #leave(row: number): void {
    this.minutes.remove(row, this.#latestAt);
    this.counts.remove(row);
  }

  #recallMinute(line: string): boolean {
    const at = parseInstant(line, line.lastIndexOf(' ') + 1);
    if (at === undefined) return false;
    this.minutes.beginAt(at + MINUTE_MS);
    return true;
  }

  #recallHour(line: string): boolean {
    const slot = parseSlotKey(line);
    if (slot === undefined) return false;
    const row = this.rows.find(slot.deviceClass, slot.device);
    if (row >= 0) this.#closedUpTo(row, slot.start + HOUR_MS);
    return true;
  }

  /** What the journal has of a device's slots is not to be written again. */
  #closedUpTo(row: number, closedTo: number): void {
    const openFrom = this.slots.openFrom(row);
    if (closedTo <= openFrom) return;
    this.slots.setOpenFrom(row, closedTo);
    this.counts.columns.reach(row);
    this.counts.clear(row, 'hour');
    if (slotStart(openFrom, DAY_MS) < slotStart(closedTo, DAY_MS)) this.counts.clear(row, 'day');
  }

  #follow(row: number, at: number): void {
    if (row < 0) return;
    const { site, state, at: since } = this.history.newest(row);
    this.counts.columns.reach(row);
    this.minutes.place(row, this.rows.keyOf(row), site, state, at);
    if (state === 'unknown' || state === 'asleep' || state === 'retired') {
      this.counts.countMissing(row, since);
      this.counts.expectNothing(row);
    }
  }

  #reach(at: number): void {
    if (at <= this.#latestAt) return;
    this.#latestAt = at;
    this.minutes.roll(at);
  }
}
