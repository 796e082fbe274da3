/** What was heard of each device in the open hour and the open day, and how much should have been. */
import { Columns } from './columns.ts';
import { DeviceLatency } from './device-latency.ts';
import type { SlotBeats, SlotLatency } from './rollup-line.ts';

/** One heartbeat that was news, or a birth, as far as the books care. */
export interface Told {
  readonly kind: 'beat' | 'birth';
  /** Announced time until the next beat. */
  readonly nextMs?: number | undefined;
  /** The usual time between two beats. */
  readonly intervalMs: number;
  readonly roundTripMs?: number | undefined;
  /** The device's own clock; only ever compared with itself. */
  readonly deviceTimeMs?: number | undefined;
  readonly batteryPercent?: number | undefined;
  readonly rssiDbm?: number | undefined;
}

/** What a heartbeat turned out to be; kept by one object that is used again. */
export interface Heard {
  delayMs: number | undefined;
  lateMs: number | undefined;
}

type Slot = 'hour' | 'day';

/** Bits of the column `flags`. */
const BATTERY_TOLD = 1;
const RSSI_TOLD = 2;
/** The planned beat before `nextAt` was counted as overdue; the next one to come early may be it. */
const OVERDUE_COUNTED = 4;

/** A planned beat counts as missing when it is overdue by this share of the interval. */
const OVERDUE_SHARE = 0.5;

export class BeatCounts {
  readonly columns = new Columns({
    /** When the next planned beat is due; 0 while none is expected. */
    nextAt: Float64Array,
    intervalMs: Float32Array,
    hourBeats: Uint32Array,
    dayBeats: Uint32Array,
    hourExpected: Uint32Array,
    dayExpected: Uint32Array,
    hourLate: Uint32Array,
    hourLateSum: Float32Array,
    hourLateMax: Float32Array,
    dayLate: Uint32Array,
    dayLateSum: Float32Array,
    dayLateMax: Float32Array,
    battery: Float32Array,
    rssi: Float32Array,
    /** Row of {@link DeviceLatency}, plus one; 0 for none. */
    latency: Uint32Array,
    flags: Uint8Array,
    /** Battery and signal told in the day, beside those of the hour. */
    dayFlags: Uint8Array,
  });
  readonly latency = new DeviceLatency();
  readonly #heard: Heard = { delayMs: undefined, lateMs: undefined };

  add(row: number): void {
    this.columns.reach(row);
    this.columns.clear(row);
  }

  remove(row: number): void {
    const latency = this.columns.of.latency[row] as number;
    if (latency > 0) this.latency.remove(latency - 1);
    this.columns.clear(row);
  }

  /** Takes in what a device told at `at`. The result is the same object at each call. */
  hear(row: number, told: Told, at: number): Heard {
    const of = this.columns.of;
    const heard = this.#heard;
    heard.lateMs = told.kind === 'beat' ? this.#count(row, at) : undefined;
    const intervalMs = told.kind === 'beat' ? (told.nextMs ?? told.intervalMs) : told.intervalMs;
    of.intervalMs[row] = intervalMs;
    of.nextAt[row] = at + (told.nextMs ?? intervalMs);
    of.flags[row] = (of.flags[row] as number) & ~OVERDUE_COUNTED;
    heard.delayMs = this.#measure(row, told, at);
    if (told.batteryPercent !== undefined) this.#note(row, of.battery, BATTERY_TOLD, told.batteryPercent);
    if (told.rssiDbm !== undefined) this.#note(row, of.rssi, RSSI_TOLD, told.rssiDbm);
    return heard;
  }

  /** Counts planned beats that are overdue by half an interval at `until`. */
  countMissing(row: number, until: number): void {
    const of = this.columns.of;
    const nextAt = of.nextAt[row] as number;
    const intervalMs = of.intervalMs[row] as number;
    const overdueMs = until - OVERDUE_SHARE * intervalMs - nextAt;
    if (nextAt === 0 || overdueMs < 0) return;
    const missing = Math.floor(overdueMs / intervalMs) + 1;
    this.#expect(row, missing);
    of.nextAt[row] = nextAt + missing * intervalMs;
    of.flags[row] = (of.flags[row] as number) | OVERDUE_COUNTED;
  }

  /** Nothing more is expected: the device sleeps, is gone, or we are deaf. Its next beat begins anew. */
  expectNothing(row: number): void {
    this.columns.of.nextAt[row] = 0;
  }

  summary(row: number, slot: Slot, heardMs: number): SlotBeats {
    const of = this.columns.of;
    const isHour = slot === 'hour';
    const told = (isHour ? of.flags : of.dayFlags)[row] as number;
    const count = (isHour ? of.hourLate : of.dayLate)[row] as number;
    const sumMs = (isHour ? of.hourLateSum : of.dayLateSum)[row] as number;
    const maxMs = (isHour ? of.hourLateMax : of.dayLateMax)[row] as number;
    const latency = of.latency[row] as number;
    return {
      beats: (isHour ? of.hourBeats : of.dayBeats)[row] as number,
      expected: (isHour ? of.hourExpected : of.dayExpected)[row] as number,
      heardMs,
      latency: latency === 0 ? undefined : this.latency.summary(latency - 1, slot),
      late: count === 0 ? undefined : { count, sumMs, maxMs },
      batteryPercent: told & BATTERY_TOLD ? of.battery[row] : undefined,
      rssiDbm: told & RSSI_TOLD ? of.rssi[row] : undefined,
    };
  }

  /** Begins a slot anew. */
  clear(row: number, slot: Slot): void {
    const of = this.columns.of;
    const latency = of.latency[row] as number;
    if (latency > 0) this.latency.clear(latency - 1, slot);
    if (slot === 'hour') {
      of.hourBeats[row] =
        of.hourExpected[row] =
        of.hourLate[row] =
        of.hourLateSum[row] =
        of.hourLateMax[row] =
          0;
      of.flags[row] = (of.flags[row] as number) & OVERDUE_COUNTED;
    } else {
      of.dayBeats[row] = of.dayExpected[row] = of.dayLate[row] = of.dayLateSum[row] = of.dayLateMax[row] = 0;
      of.dayFlags[row] = 0;
    }
  }

  /** Counts a beat and those that were due up to it. @returns its lateness, where that can be told. */
  #count(row: number, at: number): number | undefined {
    const of = this.columns.of;
    of.hourBeats[row] = (of.hourBeats[row] as number) + 1;
    of.dayBeats[row] = (of.dayBeats[row] as number) + 1;
    const nextAt = of.nextAt[row] as number;
    if (nextAt === 0) {
      this.#expect(row, 1);
      return undefined;
    }
    const intervalMs = of.intervalMs[row] as number;
    if (at >= nextAt) {
      this.#expect(row, 1 + Math.floor((at - nextAt) / intervalMs));
      return at - nextAt < intervalMs ? this.#late(row, at - nextAt) : undefined;
    }
    if ((of.flags[row] as number) & OVERDUE_COUNTED) {
      // It is the planned beat that was given up, and has been counted as due.
      return this.#late(row, at - (nextAt - intervalMs));
    }
    this.#expect(row, 1);
    return this.#late(row, 0);
  }

  #expect(row: number, beats: number): void {
    const { hourExpected, dayExpected } = this.columns.of;
    hourExpected[row] = (hourExpected[row] as number) + beats;
    dayExpected[row] = (dayExpected[row] as number) + beats;
  }

  #late(row: number, lateMs: number): number {
    const of = this.columns.of;
    of.hourLate[row] = (of.hourLate[row] as number) + 1;
    of.hourLateSum[row] = (of.hourLateSum[row] as number) + lateMs;
    of.hourLateMax[row] = Math.max(of.hourLateMax[row] as number, lateMs);
    of.dayLate[row] = (of.dayLate[row] as number) + 1;
    of.dayLateSum[row] = (of.dayLateSum[row] as number) + lateMs;
    of.dayLateMax[row] = Math.max(of.dayLateMax[row] as number, lateMs);
    return lateMs;
  }

  #measure(row: number, { roundTripMs, deviceTimeMs }: Told, at: number): number | undefined {
    if (roundTripMs === undefined && deviceTimeMs === undefined) return undefined;
    const of = this.columns.of;
    if (of.latency[row] === 0) of.latency[row] = 1 + this.latency.add();
    const place = (of.latency[row] as number) - 1;
    if (roundTripMs !== undefined)
      this.latency.record(place, 'round-trip' satisfies SlotLatency['kind'], roundTripMs);
    const delayMs =
      deviceTimeMs === undefined ? undefined : this.latency.envelope.delayMs(place, at, deviceTimeMs);
    if (delayMs !== undefined) this.latency.record(place, 'one-way', delayMs);
    return delayMs;
  }

  #note(row: number, column: Float32Array, bit: number, value: number): void {
    const { flags, dayFlags } = this.columns.of;
    column[row] = value;
    flags[row] = (flags[row] as number) | bit;
    dayFlags[row] = (dayFlags[row] as number) | bit;
  }
}
