/**
 * From points to time up, down and unknown, for one device.
 *
 * U(t) is the cumulative total of the last point at or before t, plus the time since while that point says up.
 * Uptime between two instants of one life is U(b) − U(a); a window that touches several lives adds them up. The
 * same holds for downtime. What is neither is unknown: before the first point, after a device was retired, while
 * it was elsewhere, and when the last point is older than any verdict can be without a checkpoint after it.
 */
import { STATES, type State } from '../detector/transition.ts';
import type { StatePoint } from '../store/state-line.ts';
import { LOOK_BACK_MS, type StateGatherer } from './point-source.ts';

export interface Times {
  readonly upMs: number;
  readonly downMs: number;
  readonly unknownMs: number;
  /** Verdicts after the first instant, up to and including the last. */
  readonly transitions: number;
}

/** What matters of a point. Numbers only: text cut from a line would keep the whole line in memory. */
interface Mark {
  readonly at: number;
  readonly counts: 1 | 0 | -1;
  readonly upMs: number;
  readonly downMs: number;
  readonly seq: number;
  readonly state: State;
}

/** A device's stay at one site, recognised by the instant at which it began: there its totals are zero. */
interface Life {
  readonly origin: number;
  /** The last mark up to the first edge, then the last one of each slot. */
  readonly last: (Mark | undefined)[];
  /** The first mark behind the first edge, and whether it was a checkpoint. */
  first: Mark | undefined;
  firstIsVerdict: boolean;
}

/** Tallies one device over the slots between edges. */
export class DeviceTally implements StateGatherer {
  readonly #edges: readonly number[];
  readonly #lives: Life[] = [];

  /** @param edges at least two instants, increasing. */
  constructor(edges: readonly number[]) {
    this.#edges = edges;
  }

  add(point: StatePoint): void {
    const slot = this.#slotOf(point.at);
    if (slot < 0) return;
    const origin = originOf(point);
    let life = this.#lives.find((known) => known.origin === origin);
    if (life === undefined) {
      life = { origin, last: [], first: undefined, firstIsVerdict: false };
      this.#lives.push(life);
      this.#lives.sort((a, b) => a.origin - b.origin);
    }
    const mark = markOf(point);
    const known = life.last[slot];
    if (known === undefined || mark.at >= known.at) life.last[slot] = mark;
    if (slot > 0 && (life.first === undefined || mark.at <= life.first.at)) {
      life.first = mark;
      life.firstIsVerdict = !point.heldMs;
    }
  }

  get isEmpty(): boolean {
    return this.#lives.length === 0;
  }

  /** The points at both ends cannot tell what lay between: several lives, or one whose beginning is missing. */
  get needsAll(): boolean {
    const [life] = this.#lives;
    if (life === undefined) return false;
    if (this.#lives.length > 1) return true;
    return life.last[0] === undefined && life.first?.at !== life.origin;
  }

  /** One life, told of before the window and lately. */
  get isClear(): boolean {
    const [life] = this.#lives;
    if (life === undefined || this.#lives.length > 1 || life.last[0] === undefined) return false;
    const newest = life.last[this.#edges.length - 1];
    return newest !== undefined && newest.at > (this.#edges.at(-1) as number) - LOOK_BACK_MS;
  }

  get weight(): number {
    return this.#edges.length;
  }

  /** Time by kind in each slot; the three sum to the slot. */
  slots(): Times[] {
    const edges = this.#edges;
    const counted = this.#countedUpToEdges();
    return counted.slice(1).map((end, index) => {
      const start = counted[index] as Counted;
      const upMs = end.upMs - start.upMs;
      const downMs = end.downMs - start.downMs;
      const lengthMs = (edges[index + 1] as number) - (edges[index] as number);
      return { upMs, downMs, unknownMs: lengthMs - upMs - downMs, transitions: end.seq - start.seq };
    });
  }

  /** The verdict that stands at the last edge; `unknown` when there is none that recent. */
  stateAtEnd(): State {
    const newest = this.#lives
      .flatMap(({ last }) => last.findLast((mark) => mark !== undefined) ?? [])
      // At one instant the life that began later stands: the other one's point is a farewell.
      .reduce<Mark | undefined>(
        (best, mark) => (best === undefined || mark.at >= best.at ? mark : best),
        undefined,
      );
    if (newest === undefined) return 'unknown';
    const isOld = (this.#edges.at(-1) as number) - newest.at > LOOK_BACK_MS;
    return isOld && newest.state !== 'retired' ? 'unknown' : newest.state;
  }

  /** 0 for the look-back, n for the n-th slot, −1 for what lies outside. */
  #slotOf(at: number): number {
    const edges = this.#edges;
    if (at <= (edges[0] as number)) return at > (edges[0] as number) - LOOK_BACK_MS ? 0 : -1;
    if (at > (edges.at(-1) as number)) return -1;
    let [low, high] = [0, edges.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((edges[middle] as number) < at) low = middle;
      else high = middle;
    }
    return high;
  }

  /** What all lives together have counted when each edge is reached. */
  #countedUpToEdges(): Counted[] {
    const counted = this.#edges.map(() => ({ upMs: 0, downMs: 0, seq: 0 }));
    for (const [index, life] of this.#lives.entries()) {
      const endsAt = this.#lives[index + 1]?.origin ?? Number.POSITIVE_INFINITY;
      let mark = beginning(life, this.#edges[0] as number);
      for (const [slot, sum] of counted.entries()) {
        mark = life.last[slot] ?? mark;
        const until = Math.min(this.#edges[slot] as number, endsAt);
        const sinceMs = Math.min(Math.max(0, until - mark.at), LOOK_BACK_MS);
        sum.upMs += mark.upMs + (mark.counts === 1 ? sinceMs : 0);
        sum.downMs += mark.downMs + (mark.counts === 0 ? sinceMs : 0);
        sum.seq += mark.seq;
      }
    }
    return counted;
  }
}

type Counted = Pick<Mark, 'upMs' | 'downMs' | 'seq'>;

/** Where a life is counted from until its first mark: zero, or what it had when the window first hears of it. */
function beginning({ origin, first, firstIsVerdict }: Life, from: number): Mark {
  if (first === undefined || origin > from) {
    return { at: origin, counts: -1, upMs: 0, downMs: 0, seq: 0, state: 'unknown' };
  }
  return { ...first, counts: -1, seq: first.seq - (firstIsVerdict ? 1 : 0) };
}

function originOf(point: StatePoint): number {
  return point.at - point.upTotalMs - point.downTotalMs - point.unknownTotalMs;
}

function markOf(point: StatePoint): Mark {
  return {
    at: point.at,
    counts: point.availability,
    upMs: point.upTotalMs,
    downMs: point.downTotalMs,
    seq: point.seq,
    state: STATES.find((state) => state === point.status) ?? 'unknown',
  };
}
