/**
 * The latencies of devices that tell any, summed up for the open hour and the open day: count, least, sum, largest, and
 * bytes that count in logarithmic bins. A device that tells none has no row here.
 */
import { ClockEnvelope } from './clock-envelope.ts';
import { Columns, type NumberArray } from './columns.ts';
import { logScale, percentile } from './log-bins.ts';
import type { SlotLatency } from './rollup-line.ts';

/** 48 bytes reach from 1 ms to 9 s in steps of 22 %. */
const SCALE = logScale(0.1, 1, 48);
const BIN_MAX = 255;

type Slot = 'hour' | 'day';
const SLOTS: readonly Slot[] = ['hour', 'day'];

export class DeviceLatency {
  readonly columns = new Columns({
    hourCount: Uint32Array,
    hourMin: Float32Array,
    hourSum: Float32Array,
    hourMax: Float32Array,
    dayCount: Uint32Array,
    dayMin: Float32Array,
    daySum: Float32Array,
    dayMax: Float32Array,
    /** 1 when any round trip was told in the slot's day. */
    roundTrip: Uint8Array,
  });
  readonly envelope = new ClockEnvelope();
  #bins = { hour: new Uint8Array(0), day: new Uint8Array(0) };
  #rows = 0;
  readonly #free: number[] = [];

  /** A row for a device that begins to tell its latency. */
  add(): number {
    const row = this.#free.pop() ?? this.#rows++;
    this.columns.reach(row);
    this.columns.clear(row);
    this.envelope.columns.reach(row);
    this.envelope.columns.clear(row);
    for (const slot of SLOTS) {
      if ((row + 1) * SCALE.bins > this.#bins[slot].length) {
        const wider = new Uint8Array(Math.ceil((row + 1) * 1.25) * SCALE.bins);
        wider.set(this.#bins[slot]);
        this.#bins[slot] = wider;
      }
      this.#bins[slot].fill(0, row * SCALE.bins, (row + 1) * SCALE.bins);
    }
    return row;
  }

  remove(row: number): void {
    this.#free.push(row);
  }

  /** One kind to a device: from its first round trip on, one-way delays no longer count. */
  record(row: number, kind: SlotLatency['kind'], ms: number): void {
    const of = this.columns.of;
    if (kind === 'round-trip' && of.roundTrip[row] === 0) {
      this.clear(row, 'hour');
      this.clear(row, 'day');
      of.roundTrip[row] = 1;
    } else if (kind === 'one-way' && of.roundTrip[row] === 1) return;
    this.#sum(row, of.hourCount, of.hourMin, of.hourSum, of.hourMax, ms);
    this.#sum(row, of.dayCount, of.dayMin, of.daySum, of.dayMax, ms);
    this.#count(this.#bins.hour, row, ms);
    this.#count(this.#bins.day, row, ms);
  }

  summary(row: number, slot: Slot): SlotLatency | undefined {
    const of = this.columns.of;
    const isHour = slot === 'hour';
    const count = (isHour ? of.hourCount : of.dayCount)[row] as number;
    if (count === 0) return undefined;
    const minMs = (isHour ? of.hourMin : of.dayMin)[row] as number;
    const maxMs = (isHour ? of.hourMax : of.dayMax)[row] as number;
    const at = (quantile: number): number =>
      Math.max(minMs, Math.min(maxMs, percentile(this.#bins[slot], row * SCALE.bins, SCALE, quantile)));
    const sumMs = (isHour ? of.hourSum : of.daySum)[row] as number;
    const kind = of.roundTrip[row] === 1 ? 'round-trip' : 'one-way';
    return { kind, count, minMs, sumMs, maxMs, p50Ms: at(0.5), p95Ms: at(0.95) };
  }

  clear(row: number, slot: Slot): void {
    const of = this.columns.of;
    (slot === 'hour' ? of.hourCount : of.dayCount)[row] = 0;
    this.#bins[slot].fill(0, row * SCALE.bins, (row + 1) * SCALE.bins);
  }

  /** Everything that is kept of some rows, by name: for a snapshot. */
  gathered(rows: Uint32Array): [string, NumberArray][] {
    const taken: [string, NumberArray][] = [];
    for (const [set, columns] of this.#columnSets()) {
      for (const [name, column] of Object.entries<NumberArray>(columns.of)) {
        const values = new (column.constructor as new (length: number) => NumberArray)(rows.length);
        for (const [index, row] of rows.entries()) values[index] = column[row] as number;
        taken.push([`${set}.${name}`, values]);
      }
    }
    for (const slot of SLOTS) {
      const bins = new Uint8Array(rows.length * SCALE.bins);
      for (const [index, row] of rows.entries()) {
        bins.set(this.#bins[slot].subarray(row * SCALE.bins, (row + 1) * SCALE.bins), index * SCALE.bins);
      }
      taken.push([`bins.${slot}`, bins]);
    }
    return taken;
  }

  /** Takes over what {@link gathered} gave, in rows of its own. @returns these, in the order in which they were given */
  restore(taken: ReadonlyMap<string, NumberArray>): number[] {
    const count = (taken.get('bins.hour')?.length ?? 0) / SCALE.bins;
    const rows = Array.from({ length: count }, () => this.add());
    for (const [set, columns] of this.#columnSets()) {
      for (const [name, column] of Object.entries<NumberArray>(columns.of)) {
        const values = taken.get(`${set}.${name}`);
        for (const [index, row] of rows.entries()) column[row] = values?.[index] ?? 0;
      }
    }
    for (const slot of SLOTS) {
      const bins = taken.get(`bins.${slot}`) as Uint8Array;
      for (const [index, row] of rows.entries()) {
        this.#bins[slot].set(bins.subarray(index * SCALE.bins, (index + 1) * SCALE.bins), row * SCALE.bins);
      }
    }
    return rows;
  }

  #columnSets() {
    return [
      ['latency', this.columns],
      ['envelope', this.envelope.columns],
    ] as const;
  }

  #sum(
    row: number,
    count: Uint32Array,
    min: Float32Array,
    sum: Float32Array,
    max: Float32Array,
    ms: number,
  ): void {
    const isFirst = count[row] === 0;
    count[row] = (count[row] as number) + 1;
    min[row] = isFirst ? ms : Math.min(min[row] as number, ms);
    max[row] = isFirst ? ms : Math.max(max[row] as number, ms);
    sum[row] = isFirst ? ms : (sum[row] as number) + ms;
  }

  /** A full bin halves them all: percentiles speak of shares. */
  #count(bins: Uint8Array, row: number, ms: number): void {
    const first = row * SCALE.bins;
    const bin = first + SCALE.binOf(ms);
    if (bins[bin] === BIN_MAX) {
      for (let at = first; at < first + SCALE.bins; at++) bins[at] = ((bins[at] as number) + 1) >> 1;
    }
    bins[bin] = (bins[bin] as number) + 1;
  }
}
