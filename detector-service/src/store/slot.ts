/** The slots that rollups speak of: whole UTC hours and days, known by their first instant. */
import { DAY_MS } from './utc-day.ts';

export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;

export interface SlotKind {
  readonly measurement: 'device_1h' | 'device_1d';
  readonly lengthMs: number;
}

export const HOUR: SlotKind = { measurement: 'device_1h', lengthMs: HOUR_MS };
export const DAY: SlotKind = { measurement: 'device_1d', lengthMs: DAY_MS };
export const SLOT_KINDS: readonly SlotKind[] = [HOUR, DAY];

/** The first instant of the slot that holds `at`. */
export function slotStart(at: number, lengthMs: number): number {
  return Math.floor(at / lengthMs) * lengthMs;
}
