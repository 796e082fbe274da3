/** The lines of `device_1h` and `device_1d`. SERIES.md says what each field means. */
import type { DeviceKey } from './device-key.ts';
import { escapeTag, unescapeName } from './line-protocol.ts';
import type { SlotKind } from './slot.ts';
import type { SlotShare } from './slot-share.ts';

/** What was heard of a device in a slot. */
export interface SlotBeats {
  readonly beats: number;
  readonly expected: number;
  readonly heardMs: number;
  readonly latency?: SlotLatency | undefined;
  readonly late?: { readonly count: number; readonly sumMs: number; readonly maxMs: number } | undefined;
  readonly batteryPercent?: number | undefined;
  readonly rssiDbm?: number | undefined;
}

export interface SlotLatency {
  readonly kind: 'round-trip' | 'one-way';
  readonly count: number;
  readonly minMs: number;
  readonly sumMs: number;
  readonly maxMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

export function formatSlot(
  { measurement }: SlotKind,
  key: DeviceKey,
  share: SlotShare,
  heard: SlotBeats,
  start: number,
): string {
  const { latency, late, batteryPercent, rssiDbm } = heard;
  let line =
    `${measurement}${tags(key, share.site)} ${times(share)}` +
    `,beats=${heard.beats}i,expected_beats=${heard.expected}i,heard_ms=${heard.heardMs}i`;
  if (latency !== undefined) {
    const { kind, count, minMs, sumMs, maxMs, p50Ms, p95Ms } = latency;
    line +=
      `,lat_count=${count}i,lat_min_ms=${tidy(minMs)},lat_sum_ms=${tidy(sumMs)},lat_max_ms=${tidy(maxMs)}` +
      `,lat_p50_ms=${tidy(p50Ms)},lat_p95_ms=${tidy(p95Ms)},lat_kind="${kind}"`;
  }
  if (late !== undefined) {
    line += `,late_count=${late.count}i,late_sum_ms=${tidy(late.sumMs)},late_max_ms=${tidy(late.maxMs)}`;
  }
  if (batteryPercent !== undefined) line += `,battery=${tidy(batteryPercent)}`;
  if (rssiDbm !== undefined) line += `,rssi=${tidy(rssiDbm)}`;
  return `${line} ${start}`;
}

/** Replaces the times of a slot that was closed; what was heard in it stays as it is. */
export function formatRestatedSlot(
  { measurement }: SlotKind,
  key: DeviceKey,
  share: SlotShare,
  start: number,
  rev: number,
): string {
  return `${measurement}${tags(key, share.site)} ${times(share)},rev=${rev}i ${start}`;
}

function tags({ deviceClass, device }: DeviceKey, site: string | undefined): string {
  const place = site ? `,site=${escapeTag(site)}` : '';
  return `,class=${escapeTag(deviceClass)},device=${escapeTag(device)}${place}`;
}

function times({ upMs, downMs, unknownMs, transitions, stateEnd }: SlotShare): string {
  return (
    `up_ms=${upMs}i,down_ms=${downMs}i,unknown_ms=${unknownMs}i` +
    `,transitions=${transitions}i,state_end="${stateEnd}"`
  );
}

/** Single precision kept the value: what lies beyond a thousandth is noise. */
export function tidy(value: number): number {
  return Math.round(value * 1000) / 1000;
}

const SLOT_KEY =
  /^device_1[hd],class=((?:[^, =]|(?<=\\)[, =])+),device=((?:[^, =]|(?<=\\)[, =])+)[, ].* (-?\d+)$/;

/** Whose slot a line is about, and which; undefined for any other line. Never throws. */
export function parseSlotKey(line: string): (DeviceKey & { readonly start: number }) | undefined {
  const [, deviceClass, device, start] = SLOT_KEY.exec(line) ?? [];
  if (deviceClass === undefined || device === undefined) return undefined;
  return { deviceClass: unescapeName(deviceClass), device: unescapeName(device), start: Number(start) };
}
