/** How long heartbeats were on their way, how late they came, and how many came at all. */
import { type LogScale, logScale } from '../store/log-bins.ts';
import { type SlotLength, slotEdges, type TimeZone, UTC } from './calendar.ts';
import type { PointSource } from './point-source.ts';
import { checkWindow, type DeviceName, type Selection, type Window } from './selection.ts';
import { type SlotField, type SlotPoint, SlotPoints } from './slot-point.ts';

export interface LatencyNumbers {
  /** Beats that told a latency. The numbers below are absent when there are none. */
  readonly count: number;
  readonly minMs: number | undefined;
  readonly meanMs: number | undefined;
  readonly maxMs: number | undefined;
  /** Estimated from the hours' minima, percentiles and maxima; exact for beats of one hour, else to within some 10 %. */
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  /** Lateness: arrival minus announced arrival. */
  readonly late: {
    readonly count: number;
    readonly meanMs: number | undefined;
    readonly maxMs: number | undefined;
  };
  readonly beats: number;
  readonly expectedBeats: number;
  /** 100 · beats / expected beats: the heartbeat success rate; absent when none was expected. */
  readonly successPercent: number | undefined;
}

export interface LatencyRow extends DeviceName, LatencyNumbers {
  /** `round-trip`, `one-way`, or `mixed` when the device changed; absent when it told none. */
  readonly kind: string | undefined;
  readonly slots?: readonly (Window & LatencyNumbers)[];
}

export interface LatencySum extends LatencyNumbers {
  readonly devices: number;
  readonly slots?: readonly (Window & LatencyNumbers)[];
}

export interface LatencyReport extends Window {
  /** Sorted by class, then device. */
  readonly rows: readonly LatencyRow[];
  readonly total: LatencySum;
}

export interface LatencyQuery extends Window {
  readonly source: PointSource;
  readonly select?: Selection;
  /** Cut the window into hours, days, weeks or months. An hour of the series counts where it begins. */
  readonly by?: SlotLength | undefined;
  readonly zone?: TimeZone | undefined;
}

/**
 * From the closed hours that begin in a window. Latency is the round trip that a device measured, or else the one-way
 * delay above the fastest one seen lately. Every row is kept in memory; {@link latencySum} keeps none.
 * @throws RangeError as `uptime` does; StoreError by the source.
 */
export async function latency(query: LatencyQuery): Promise<LatencyReport> {
  const rows: LatencyRow[] = [];
  const total = await latencySum(query, (row) => rows.push(row));
  return { from: query.from, to: query.to, rows, total };
}

/** The sum of {@link latency}; rows are handed over one by one and forgotten. @throws as {@link latency} does. */
export async function latencySum(
  query: LatencyQuery,
  onRow: (row: LatencyRow) => void = () => {},
): Promise<LatencySum> {
  checkWindow(query);
  const { source, select = {}, from, to, by, zone = UTC } = query;
  const edges = by === undefined ? [from, to] : slotEdges(query, by, zone);
  const totals = edges.slice(1).map(() => new LatencyTally());
  const slotQuery = { measurement: 'device_1h', select, window: { from, to } } as const;
  let devices = 0;
  for await (const { deviceClass, device, gathered } of source.gatherSlots(
    slotQuery,
    () => new SlotPoints(),
  )) {
    const points = gathered.inOrder();
    const slots = tallies(points, edges);
    for (const [index, total] of totals.entries()) total.merge(slots[index] as LatencyTally);
    const kinds = new Set(points.flatMap(({ fields }) => fields.lat_kind ?? []));
    const kind = kinds.size > 1 ? 'mixed' : [...kinds][0]?.toString();
    onRow({ deviceClass, device, kind, ...numbersOf(slots, edges, by !== undefined) });
    devices++;
  }
  return { devices, ...numbersOf(totals, edges, by !== undefined) };
}

function tallies(points: readonly SlotPoint[], edges: readonly number[]): LatencyTally[] {
  const slots = edges.slice(1).map(() => new LatencyTally());
  let index = 0;
  for (const point of points) {
    while ((edges[index + 1] as number) <= point.at) index++;
    slots[index]?.add(point);
  }
  return slots;
}

function numbersOf(slots: readonly LatencyTally[], edges: readonly number[], withSlots: boolean) {
  const whole = new LatencyTally();
  for (const slot of slots) whole.merge(slot);
  const numbers = whole.numbers();
  if (!withSlots) return numbers;
  const windows = slots.map((slot, index) => ({
    from: edges[index] as number,
    to: edges[index + 1] as number,
    ...slot.numbers(),
  }));
  return { ...numbers, slots: windows };
}

/** From a hundredth of a millisecond to months, each value to within 2.5 %. */
const SCALE: LogScale = logScale(0.025, 0.01, 560);

/** Sums of shares miss the whole by less than this. */
const ROUNDING = 1e-9;

/** Shares of an hour's beats between its minimum, its percentiles and its maximum. */
const PIECES: readonly [from: SlotField, to: SlotField, share: number][] = [
  ['lat_min_ms', 'lat_p50_ms', 0.5],
  ['lat_p50_ms', 'lat_p95_ms', 0.45],
  ['lat_p95_ms', 'lat_max_ms', 0.05],
];

class LatencyTally {
  #bins: Float64Array | undefined;
  #count = 0;
  #sumMs = 0;
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = Number.NEGATIVE_INFINITY;
  #lateCount = 0;
  #lateSumMs = 0;
  #lateMaxMs = Number.NEGATIVE_INFINITY;
  #beats = 0;
  #expected = 0;

  add({ fields }: SlotPoint): void {
    const number = (field: SlotField): number => Number(fields[field] ?? 0);
    this.#beats += number('beats');
    this.#expected += number('expected_beats');
    if (number('late_count') > 0) {
      this.#lateCount += number('late_count');
      this.#lateSumMs += number('late_sum_ms');
      this.#lateMaxMs = Math.max(this.#lateMaxMs, number('late_max_ms'));
    }
    const count = number('lat_count');
    if (count === 0) return;
    this.#count += count;
    this.#sumMs += number('lat_sum_ms');
    this.#minMs = Math.min(this.#minMs, number('lat_min_ms'));
    this.#maxMs = Math.max(this.#maxMs, number('lat_max_ms'));
    for (const [from, to, share] of PIECES) this.#spread(number(from), number(to), count * share);
  }

  /** Beats between two latencies, evenly over the bins between them. */
  #spread(fromMs: number, toMs: number, count: number): void {
    this.#bins ??= new Float64Array(SCALE.bins);
    const [first, last] = [SCALE.binOf(fromMs), SCALE.binOf(Math.max(fromMs, toMs))];
    const each = count / (last - first + 1);
    for (let bin = first; bin <= last; bin++) this.#bins[bin] = (this.#bins[bin] as number) + each;
  }

  merge(other: LatencyTally): void {
    this.#count += other.#count;
    this.#sumMs += other.#sumMs;
    this.#minMs = Math.min(this.#minMs, other.#minMs);
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
    this.#lateCount += other.#lateCount;
    this.#lateSumMs += other.#lateSumMs;
    this.#lateMaxMs = Math.max(this.#lateMaxMs, other.#lateMaxMs);
    this.#beats += other.#beats;
    this.#expected += other.#expected;
    if (other.#bins === undefined) return;
    this.#bins ??= new Float64Array(SCALE.bins);
    for (const [bin, count] of other.#bins.entries()) this.#bins[bin] = (this.#bins[bin] as number) + count;
  }

  numbers(): LatencyNumbers {
    const some = <T>(value: T): T | undefined => (this.#count > 0 ? value : undefined);
    const isLate = this.#lateCount > 0;
    return {
      count: this.#count,
      minMs: some(this.#minMs),
      meanMs: some(this.#sumMs / this.#count),
      maxMs: some(this.#maxMs),
      p50Ms: some(this.#percentile(0.5)),
      p95Ms: some(this.#percentile(0.95)),
      late: {
        count: this.#lateCount,
        meanMs: isLate ? this.#lateSumMs / this.#lateCount : undefined,
        maxMs: isLate ? this.#lateMaxMs : undefined,
      },
      beats: this.#beats,
      expectedBeats: this.#expected,
      successPercent: this.#expected > 0 ? (100 * this.#beats) / this.#expected : undefined,
    };
  }

  /** Counts are shares of beats here, so that there is no n-th one. */
  #percentile(quantile: number): number {
    const bins = this.#bins ?? [];
    let left = quantile * this.#count;
    const bin = bins.findIndex((count) => {
      left -= count;
      return left <= this.#count * ROUNDING;
    });
    return Math.min(Math.max(SCALE.valueOf(bin), this.#minMs), this.#maxMs);
  }
}
