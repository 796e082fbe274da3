/** The port between the questions and whatever holds the series `device_state`. */
import type { StatePoint } from '../store/state-line.ts';
import type { DeviceName, Selection, Window } from './selection.ts';
import type { SlotMeasurement, SlotPoint } from './slot-point.ts';

/** Checkpoints come every 24 hours; one more hour lets them be written. Nobody has to look back further. */
export const LOOK_BACK_MS = 25 * 3_600_000;

export interface PointQuery {
  readonly select: Selection;
  /** Points with from − {@link LOOK_BACK_MS} < at ≤ to are wanted. */
  readonly window: Window;
  /**
   * - `ends`: of each device at least the last point up to `from`, the first one after it when there is none, and
   *   the last one up to `to`; every point when these do not suffice its gatherer.
   * - `downs`: at least the points that say down, and each point whose verdict ended a time down.
   * - `all`: every point.
   */
  readonly want: 'ends' | 'downs' | 'all';
}

/** Takes in the points of one device. */
export interface Gatherer<P> {
  /** In any order. Of two points at one instant of one site, the later given is the valid one. */
  add(point: P): void;
  /** True when nothing given so far mattered. */
  readonly isEmpty: boolean;
  /** About how many points it keeps: a bound on memory is made of it. */
  readonly weight: number;
}

export interface StateGatherer extends Gatherer<StatePoint> {
  /** True when `ends` cannot tell what lay between. */
  readonly needsAll: boolean;
  /** True when the points of the two look-backs, before the window's beginning and before its end, tell all. */
  readonly isClear: boolean;
}

export interface Gathered<G> extends DeviceName {
  readonly gathered: G;
}

/** Where points come from: the journal, or a database. */
export interface PointSource {
  /**
   * Lets each device's points be gathered by a gatherer of its own, and yields the devices by class and name.
   * Memory is bounded however many devices there are. Devices without any point are left out.
   */
  gather<G extends StateGatherer>(query: PointQuery, create: () => G): AsyncIterable<Gathered<G>>;
  /** The same with closed slots. */
  gatherSlots<G extends Gatherer<SlotPoint>>(query: SlotQuery, create: () => G): AsyncIterable<Gathered<G>>;
}

export interface SlotQuery {
  readonly measurement: SlotMeasurement;
  readonly select: Selection;
  /** Slots that begin in it. */
  readonly window: Window;
}
