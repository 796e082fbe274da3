/** Times in which devices were dead, one by one: since when, until when, and why. */
import type { Reason } from '../detector/transition.ts';
import type { PointReason, StatePoint } from '../store/state-line.ts';
import { LOOK_BACK_MS, type PointSource, type StateGatherer } from './point-source.ts';
import { checkWindow, type DeviceName, type Selection, type Window } from './selection.ts';

export interface Downtime extends DeviceName {
  /** Where the device was when it died. */
  readonly site: string | undefined;
  /** When it became dead: the deadline or the boot, which may lie before the window. */
  readonly startAt: number;
  /** When it ended; absent when it was still down at the end of the window. */
  readonly endAt: number | undefined;
  /** Time down inside the window. */
  readonly downMs: number;
  /** What made the device dead; absent when the point that said so is lost. */
  readonly cause: Reason | undefined;
  /** What ended it: `heard`, `new-generation`, `retired`, …; `unwatched` when nobody carried the verdict on. */
  readonly endedBy: PointReason | 'unwatched' | undefined;
}

export interface DowntimesQuery extends Window {
  readonly source: PointSource;
  readonly select?: Selection;
}

/**
 * The times down that overlap a window, device by device in order of class and name, each device's in order of time.
 * Their `downMs` add up to the `downMs` of the same uptime query. Each verdict `dead` is one downtime: a device that
 * moves while it is dead has one at each site.
 * @throws RangeError when the window is no pair of whole, increasing milliseconds; StoreError by the source.
 */
export async function* downtimes({
  source,
  select = {},
  from,
  to,
}: DowntimesQuery): AsyncGenerator<Downtime> {
  const window = { from, to };
  checkWindow(window);
  const query = { select, window, want: 'downs' } as const;
  for await (const { deviceClass, device, gathered } of source.gather(query, () => new DownPoints())) {
    for (const down of gathered.downtimes(to)) {
      const downMs = Math.min(down.endAt ?? to, to) - Math.max(down.startAt, from);
      if (downMs > 0) yield { deviceClass, device, ...down, downMs };
    }
  }
}

type Down = Omit<Downtime, keyof DeviceName | 'downMs'>;

/** What a dead point, or the point after the last of a row of them, says. */
interface DownMark {
  readonly at: number;
  readonly isDown: boolean;
  readonly isFarewell: boolean;
  /** When the verdict was given that this point tells or carries forward. */
  readonly verdictAt: number;
  readonly previousMs: number;
  readonly reason: PointReason;
  readonly site: string | undefined;
}

/** Keeps of one device's points those that say down and those that end it. */
class DownPoints implements StateGatherer {
  readonly needsAll = false;
  readonly isClear = false;
  /** By instant and site: a point that replaces another has both in common. */
  readonly #marks = new Map<string, DownMark>();

  add(point: StatePoint): void {
    const key = `${point.at} ${point.site ?? ''}`;
    const isDown = point.availability === 0;
    const ends = !isDown && point.previous === 'dead' && !point.heldMs && !isBeginning(point);
    // What was down may have been put right since.
    if (isDown || ends) this.#marks.set(key, markOf(point, isDown));
    else this.#marks.delete(key);
  }

  get isEmpty(): boolean {
    return this.#marks.size === 0;
  }

  get weight(): number {
    return 1 + this.#marks.size;
  }

  downtimes(until: number): Down[] {
    const ended: Down[] = [];
    let open: Down | undefined;
    let saidAt = 0;
    const end = (at: number, endedBy: Down['endedBy']): void => {
      if (open !== undefined) ended.push({ ...open, endAt: at, endedBy });
      open = undefined;
    };
    for (const mark of this.#inOrder()) {
      if (open !== undefined && mark.at - saidAt > LOOK_BACK_MS) end(saidAt + LOOK_BACK_MS, 'unwatched');
      if (mark.isDown) {
        if (open !== undefined && open.startAt !== mark.verdictAt) end(mark.verdictAt, mark.reason);
        open ??= opened(mark);
        saidAt = mark.at;
      } else {
        open ??= { ...opened(mark), startAt: mark.at - mark.previousMs, cause: undefined };
        end(mark.at, mark.reason);
      }
    }
    if (open !== undefined && until - saidAt > LOOK_BACK_MS) end(saidAt + LOOK_BACK_MS, 'unwatched');
    return open === undefined ? ended : [...ended, open];
  }

  /** At one instant a farewell comes before what the device is at its new site. */
  #inOrder(): DownMark[] {
    return [...this.#marks.values()].sort(
      (a, b) => a.at - b.at || Number(b.isFarewell) - Number(a.isFarewell),
    );
  }
}

/** What a device was before it came to a site, its former site tells. */
function isBeginning({ upTotalMs, downTotalMs, unknownTotalMs }: StatePoint): boolean {
  return upTotalMs + downTotalMs + unknownTotalMs === 0;
}

function markOf(point: StatePoint, isDown: boolean): DownMark {
  const { at, heldMs = 0, previousMs, reason, site } = point;
  const isFarewell = reason === 'moved';
  return { at, isDown, isFarewell, verdictAt: at - heldMs, previousMs, reason, site };
}

function opened({ verdictAt, reason, site }: DownMark): Down {
  const cause = reason === 'moved' ? undefined : reason;
  return { startAt: verdictAt, endAt: undefined, site, cause, endedBy: undefined };
}
