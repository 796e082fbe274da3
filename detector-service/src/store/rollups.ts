/** Closing slots: the lines of `device_1h` and `device_1d`, each written once when its slot is over. */
import type { BeatCounts } from './beat-counts.ts';
import type { DeviceRows } from './device-rows.ts';
import type { HearingTimes } from './hearing-times.ts';
import { formatSlot, type SlotBeats } from './rollup-line.ts';
import { DAY, HOUR, HOUR_MS, type SlotKind, slotStart } from './slot.ts';
import { isRetired } from './slot-share.ts';
import type { SlotTimes } from './slot-times.ts';
import { DAY_MS } from './utc-day.ts';

/** After a longer stop only the last of the slots that nobody watched are written: 31 days. */
const HOURS_IN_A_ROW_MAX = 31 * 24;

const NOTHING_HEARD: SlotBeats = { beats: 0, expected: 0, heardMs: 0 };

export class Rollups {
  readonly #rows: DeviceRows;
  readonly #slots: SlotTimes;
  readonly #counts: BeatCounts;
  readonly #hearing: HearingTimes;

  constructor(rows: DeviceRows, slots: SlotTimes, counts: BeatCounts, hearing: HearingTimes) {
    this.#rows = rows;
    this.#slots = slots;
    this.#counts = counts;
    this.#hearing = hearing;
  }

  /** True when the device has an open slot that is over at `at`. */
  isDue(row: number, at: number): boolean {
    return this.#slots.openFrom(row) + HOUR_MS <= at;
  }

  /** Closes the device's slots that are over at `at`. */
  close(row: number, at: number): string[] {
    const openTo = slotStart(at, HOUR_MS);
    let hour = this.#slots.openFrom(row);
    if (hour >= openTo) return [];
    const lines: string[] = [];
    this.#closeHour(row, hour, lines);
    const skippedTo = openTo - HOURS_IN_A_ROW_MAX * HOUR_MS;
    for (hour += HOUR_MS; hour < openTo; hour += HOUR_MS) {
      if (hour >= skippedTo) this.#closeHour(row, hour, lines);
    }
    this.#slots.setOpenFrom(row, openTo);
    return lines;
  }

  #closeHour(row: number, hour: number, lines: string[]): void {
    const endsAt = hour + HOUR_MS;
    this.#counts.countMissing(row, endsAt);
    this.#write(row, HOUR, hour, 'hour', lines);
    if (endsAt % DAY_MS === 0) this.#write(row, DAY, endsAt - DAY_MS, 'day', lines);
  }

  /** What was heard stands with the site at which the device was last; at others it has its time only. */
  #write(row: number, kind: SlotKind, start: number, slot: 'hour' | 'day', lines: string[]): void {
    const shares = this.#slots.shares(row, kind, start);
    const key = this.#rows.keyOf(row);
    const heardMs = this.#hearing.heardMs(start, start + kind.lengthMs);
    if (isRetired(shares)) return;
    const last = shares.findLast(({ stateEnd }) => stateEnd !== 'retired') ?? shares.at(-1);
    for (const share of shares) {
      const heard = share === last ? this.#counts.summary(row, slot, heardMs) : NOTHING_HEARD;
      lines.push(formatSlot(kind, key, share, heard, start));
    }
    this.#counts.clear(row, slot);
  }
}
