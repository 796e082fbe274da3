/** Uptime of a selection of devices over a window of time: exact, from whatever holds the series. */
import type { State } from '../detector/transition.ts';
import { type SlotLength, slotEdges, type TimeZone, UTC } from './calendar.ts';
import type { PointSource } from './point-source.ts';
import { checkWindow, type DeviceName, type Selection, type Window } from './selection.ts';
import { type SlotTally, slotTallies } from './slot-tally.ts';
import { DeviceTally, type Times } from './tally.ts';

export interface UptimeNumbers extends Times {
  /**
   * We were blind, or knew nothing yet: neither for nor against the device. Up, down and unknown sum to the window.
   */
  readonly unknownMs: number;
  /** 100 · up / (up + down); absent when nothing is known. */
  readonly uptimePercent: number | undefined;
  /** 100 · (up + down) / window: how much of the window the uptime speaks for. */
  readonly coveragePercent: number;
}

export interface UptimeSlot extends Window, UptimeNumbers {}

export interface UptimeRow extends DeviceName, UptimeNumbers {
  /** The verdict at `to`. */
  readonly state: State;
  /** The hours, days, weeks or months of the window, when asked for. */
  readonly slots?: readonly UptimeSlot[];
}

/** Sums over devices; the window of a sum is the sum of theirs. */
export interface UptimeSum extends UptimeNumbers {
  readonly devices: number;
  readonly slots?: readonly UptimeSlot[];
}

export interface UptimeReport extends Window {
  /** Sorted by class, then device. Devices without any point in the window or its look-back are not among them. */
  readonly rows: readonly UptimeRow[];
  /** By class name, sorted. */
  readonly classes: Readonly<Record<string, UptimeSum>>;
  readonly total: UptimeSum;
}

export interface UptimeQuery extends Window {
  readonly source: PointSource;
  readonly select?: Selection;
  /** Cut the window into hours, days, weeks or months, or into so many equal parts. */
  readonly by?: SlotLength | { readonly parts: number } | undefined;
  /** Whose hours, days and months; UTC by default. */
  readonly zone?: TimeZone | undefined;
  /**
   * `verdicts` (default): exact for any window. `rollups`: sums of closed hours or days, for windows and slots that
   * begin and end with an hour in UTC; the same times, and the only ones where verdicts are not kept for so long.
   */
  readonly series?: 'verdicts' | 'rollups' | undefined;
}

/**
 * Time up, down and unknown of each device between two instants, and the sums of classes and all. Verdicts are
 * taken to hold until the next one, so `to` should not lie in the future. Every row is kept in memory; for sums
 * over millions of devices let {@link uptimeSums} go through them.
 * @throws RangeError when the window is no pair of whole, increasing milliseconds, or has too many slots;
 * StoreError by the source.
 */
export async function uptime(query: UptimeQuery): Promise<UptimeReport> {
  const rows: UptimeRow[] = [];
  const { classes, total } = await uptimeSums(query, (row) => rows.push(row));
  return { from: query.from, to: query.to, rows, classes, total };
}

/** The sums of {@link uptime}; rows are handed over one by one and forgotten. @throws as {@link uptime} does. */
export async function uptimeSums(
  query: UptimeQuery,
  onRow: (row: UptimeRow) => void = () => {},
): Promise<Pick<UptimeReport, 'classes' | 'total'>> {
  const edges = edgesOf(query);
  const sums = new Map<string, SlotSums>();
  for await (const row of uptimeRows(query)) {
    const sum = sums.get(row.deviceClass) ?? new SlotSums(edges.length - 1);
    sums.set(row.deviceClass, sum);
    sum.add(row.slots ?? [row]);
    onRow(row);
  }
  const total = new SlotSums(edges.length - 1);
  for (const sum of sums.values()) total.merge(sum);
  const finish = (sum: SlotSums): UptimeSum => sum.finish(edges, query.by !== undefined);
  return {
    classes: Object.fromEntries([...sums].map(([name, sum]) => [name, finish(sum)])),
    total: finish(total),
  };
}

/** One row per device, by class and name; memory does not grow with the devices. @throws as {@link uptime} does. */
export async function* uptimeRows(query: UptimeQuery): AsyncGenerator<UptimeRow> {
  const { from, to, by } = query;
  const edges = edgesOf(query);
  const tallies =
    query.series === 'rollups'
      ? slotTallies(query.source, query.select ?? {}, edges)
      : verdictTallies(query, edges);
  for await (const { deviceClass, device, slots, state } of tallies) {
    yield {
      deviceClass,
      device,
      ...withPercents(sumOf(slots), to - from),
      state,
      ...(by !== undefined && { slots: slots.map((times, index) => slotOf(times, edges, index, 1)) }),
    };
  }
}

async function* verdictTallies(
  { source, select = {}, from, to }: UptimeQuery,
  edges: readonly number[],
): AsyncGenerator<SlotTally> {
  const query = { select, window: { from, to }, want: edges.length === 2 ? 'ends' : 'all' } as const;
  for await (const { deviceClass, device, gathered } of source.gather(query, () => new DeviceTally(edges))) {
    yield { deviceClass, device, slots: gathered.slots(), state: gathered.stateAtEnd() };
  }
}

function edgesOf(query: UptimeQuery): readonly number[] {
  checkWindow(query);
  const { from, to, by, zone = UTC } = query;
  if (by === undefined) return [from, to];
  if (typeof by === 'string') return slotEdges(query, by, zone);
  const parts = Math.max(1, Math.min(Math.floor(by.parts), to - from));
  return Array.from({ length: parts + 1 }, (_, index) => from + Math.round((index * (to - from)) / parts));
}

/** Adds up devices slot by slot. */
class SlotSums {
  #devices = 0;
  readonly #slots: Sum[];

  constructor(slots: number) {
    this.#slots = Array.from({ length: slots }, noTime);
  }

  add(slots: readonly Times[], devices = 1): void {
    this.#devices += devices;
    for (const [index, times] of slots.entries()) addTo(this.#slots[index] as Sum, times);
  }

  merge(other: SlotSums): void {
    this.add(other.#slots, other.#devices);
  }

  finish(edges: readonly number[], withSlots: boolean): UptimeSum {
    const windowMs = ((edges.at(-1) as number) - (edges[0] as number)) * this.#devices;
    const slots = this.#slots.map((times, index) => slotOf(times, edges, index, this.#devices));
    return {
      devices: this.#devices,
      ...withPercents(sumOf(this.#slots), windowMs),
      ...(withSlots && { slots }),
    };
  }
}

type Sum = { -readonly [Part in keyof Times]: Times[Part] };

function noTime(): Sum {
  return { upMs: 0, downMs: 0, unknownMs: 0, transitions: 0 };
}

function addTo(sum: Sum, { upMs, downMs, unknownMs, transitions }: Times): void {
  sum.upMs += upMs;
  sum.downMs += downMs;
  sum.unknownMs += unknownMs;
  sum.transitions += transitions;
}

function sumOf(parts: readonly Times[]): Times {
  const sum = noTime();
  for (const part of parts) addTo(sum, part);
  return sum;
}

function slotOf(times: Times, edges: readonly number[], index: number, devices: number): UptimeSlot {
  const [from, to] = [edges[index] as number, edges[index + 1] as number];
  return { from, to, ...withPercents(times, (to - from) * devices) };
}

function withPercents({ upMs, downMs, unknownMs, transitions }: Times, windowMs: number): UptimeNumbers {
  const knownMs = upMs + downMs;
  return {
    upMs,
    downMs,
    unknownMs,
    transitions,
    uptimePercent: knownMs === 0 ? undefined : (100 * upMs) / knownMs,
    coveragePercent: windowMs === 0 ? 0 : (100 * knownMs) / windowMs,
  };
}
