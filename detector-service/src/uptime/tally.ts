/**
 * From points to time up, down and unknown, for one device.
 *
 * U(t) is the cumulative total of the last point at or before t, plus the time since while that point says up.
 * Uptime between two instants of one life is U(b) − U(a); a window that touches several lives adds them up. The
 * same holds for downtime. What is neither is unknown: before the first point, after a device was retired, while
 * it was elsewhere, and when the last point is older than any verdict can be without a checkpoint after it.
 */
import type { State } from '../detector/transition.ts';
import type { StatePoint } from '../store/state-line.ts';

/** Checkpoints come every 24 hours; one more hour lets them be written. Nobody has to look back further. */
export const LOOK_BACK_MS = 25 * 3_600_000;

export interface Window {
  /** Epoch milliseconds; `from` belongs to the window and `to` does not. */
  readonly from: number;
  readonly to: number;
}

export interface DeviceTally {
  readonly upMs: number;
  readonly downMs: number;
  readonly unknownMs: number;
  /** Verdicts after `from`, up to and including `to`. */
  readonly transitions: number;
  /** The verdict that stands at `to`; `unknown` when there is none that recent. */
  readonly state: State;
}

type Counts = Pick<StatePoint, 'at' | 'availability' | 'upTotalMs' | 'downTotalMs' | 'seq'>;

interface Life {
  readonly origin: number;
  /** The first and the last point known inside the window. */
  first: StatePoint;
  last: StatePoint;
}

/** Collects the points of one device, in any order; of two at the same instant the later one given wins. */
export class DevicePoints {
  readonly #window: Window;
  #base: StatePoint | undefined;
  #lives: Life[] = [];

  constructor(window: Window) {
    this.#window = window;
  }

  add(point: StatePoint): void {
    const { from, to } = this.#window;
    if (point.at > to || point.at <= from - LOOK_BACK_MS) return;
    if (point.at <= from) {
      if (isLater(point, this.#base)) this.#base = point;
      return;
    }
    const origin = originOf(point);
    const life = this.#lives.find((known) => known.origin === origin);
    if (life === undefined) {
      this.#lives.push({ origin, first: point, last: point });
      return;
    }
    if (point.at <= life.first.at) life.first = point;
    if (isLater(point, life.last)) life.last = point;
  }

  get isEmpty(): boolean {
    return this.#base === undefined && this.#lives.length === 0;
  }

  /** True when the points at both ends of the window cannot tell what lay between: several lives, or a gap. */
  get needsAll(): boolean {
    const [life] = this.#lives;
    if (life === undefined) return false;
    if (this.#lives.length > 1) return true;
    if (this.#base !== undefined) return originOf(this.#base) !== life.origin;
    return life.first.at !== life.origin;
  }

  tally(): DeviceTally {
    const { from, to } = this.#window;
    const lives = this.#livesInOrder();
    let upMs = 0;
    let downMs = 0;
    let transitions = 0;
    for (const [index, { start, last }] of lives.entries()) {
      const until = Math.min(to, lives[index + 1]?.start.at ?? to);
      upMs += totalAt(last, 'upTotalMs', 1, until) - totalAt(start, 'upTotalMs', 1, Math.max(from, start.at));
      downMs +=
        totalAt(last, 'downTotalMs', 0, until) - totalAt(start, 'downTotalMs', 0, Math.max(from, start.at));
      transitions += last.seq - start.seq;
    }
    return { upMs, downMs, unknownMs: to - from - upMs - downMs, transitions, state: this.#stateAtEnd() };
  }

  /** Each life in the window with the point it is counted from. */
  #livesInOrder(): { start: Counts; last: StatePoint }[] {
    const lives = this.#lives.map(({ origin, first, last }) => ({
      origin,
      start: startOf(origin, first, this.#window),
      last,
    }));
    if (this.#base !== undefined) {
      const base = this.#base;
      const origin = originOf(base);
      const going = lives.find((life) => life.origin === origin);
      if (going === undefined) lives.push({ origin, start: base, last: base });
      else going.start = base;
    }
    return lives.sort((a, b) => a.origin - b.origin);
  }

  #stateAtEnd(): State {
    let newest = this.#base;
    for (const { last } of this.#lives) if (isLater(last, newest)) newest = last;
    if (newest === undefined || this.#window.to - newest.at > LOOK_BACK_MS) {
      return newest?.status === 'retired' ? 'retired' : 'unknown';
    }
    return newest.status;
  }
}

/** The instant a life began: its totals add up to its age. */
function originOf(point: StatePoint): number {
  return point.at - point.upTotalMs - point.downTotalMs - point.unknownTotalMs;
}

/** Where to count a life from that began in the window, or of which the window misses the beginning. */
function startOf(origin: number, first: StatePoint, { from }: Window): Counts {
  if (origin > from) return { at: origin, availability: -1, upTotalMs: 0, downTotalMs: 0, seq: 0 };
  const isVerdict = !first.heldMs;
  return { ...first, availability: -1, seq: first.seq - (isVerdict ? 1 : 0) };
}

/** The end of a stay elsewhere never hides the point that begins the next one at the same instant. */
function isLater(point: StatePoint, than: StatePoint | undefined): boolean {
  if (than === undefined || point.at > than.at) return true;
  return point.at === than.at && (point.reason !== 'moved' || originOf(point) === originOf(than));
}

function totalAt(point: Counts, total: 'upTotalMs' | 'downTotalMs', counts: 1 | 0, at: number): number {
  const sinceMs = point.availability === counts ? Math.min(Math.max(0, at - point.at), LOOK_BACK_MS) : 0;
  return point[total] + sinceMs;
}
