/** Closed hours and days of a device, as the rollups `device_1h` and `device_1d` tell them. */
import { type FieldValue, parsePoint } from '../store/line-protocol.ts';
import type { DeviceName } from './selection.ts';

export const SLOT_MEASUREMENTS = { device_1h: 3_600_000, device_1d: 86_400_000 } as const;
export type SlotMeasurement = keyof typeof SLOT_MEASUREMENTS;

/** Fields that are asked for. */
export const SLOT_FIELDS = [
  'up_ms',
  'down_ms',
  'unknown_ms',
  'transitions',
  'state_end',
  'beats',
  'expected_beats',
  'lat_count',
  'lat_min_ms',
  'lat_sum_ms',
  'lat_max_ms',
  'lat_p50_ms',
  'lat_p95_ms',
  'lat_kind',
  'late_count',
  'late_sum_ms',
  'late_max_ms',
] as const;
export type SlotField = (typeof SLOT_FIELDS)[number];

/** A slot, or what was put right of one: then only the fields that changed. */
export interface SlotPoint extends DeviceName {
  readonly site: string | undefined;
  /** Start of the slot. */
  readonly at: number;
  readonly fields: Readonly<Partial<Record<SlotField, number | string>>>;
}

/** Reads a line of a rollup; undefined for any other line. Never throws. */
export function parseSlotLine(line: string): SlotPoint | undefined {
  const point = parsePoint(line);
  if (point === undefined || !Object.hasOwn(SLOT_MEASUREMENTS, point.measurement)) return undefined;
  const { class: deviceClass = '', device = '', site } = point.tags;
  return { deviceClass, device, site, at: point.at, fields: fieldsOf(point.fields) };
}

/** Reads a row of a database's answer; undefined for one without an instant. */
export function slotPointOf(row: Readonly<Record<string, unknown>>): SlotPoint | undefined {
  if (typeof row.time !== 'number') return undefined;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    deviceClass: text(row.class),
    device: text(row.device),
    site: text(row.site) || undefined,
    at: row.time,
    fields: fieldsOf(row),
  };
}

function fieldsOf(values: Readonly<Record<string, unknown>>): SlotPoint['fields'] {
  const fields: Partial<Record<SlotField, number | string>> = {};
  for (const field of SLOT_FIELDS) {
    const value = values[field] as FieldValue | null | undefined;
    if (value === null || value === undefined) continue;
    fields[field] = field === 'state_end' || field === 'lat_kind' ? String(value) : Number(value);
  }
  return fields;
}

/** A slot with all its fields takes the memory of so many points of `device_state`. */
const SLOT_WEIGHT = 4;

/** The slots of one device; what was put right later stands above what was said first, field by field. */
export class SlotPoints {
  readonly isEmpty = false;
  readonly #slots = new Map<string, SlotPoint>();

  add({ fields, ...point }: SlotPoint): void {
    const key = `${point.at} ${point.site ?? ''}`;
    this.#slots.set(key, { ...point, fields: { ...this.#slots.get(key)?.fields, ...fields } });
  }

  get weight(): number {
    return this.#slots.size * SLOT_WEIGHT;
  }

  /** In the order of time. */
  inOrder(): SlotPoint[] {
    return [...this.#slots.values()].sort((a, b) => a.at - b.at);
  }
}
