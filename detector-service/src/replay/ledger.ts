/**
 * Holds one detector's verdicts against the truth, device by device, while the trace runs.
 *
 * A device's time is cut into pieces: from one proof of life, change of truth or edge of blind time to the next. A
 * piece is settled when it ends, because only then is it known: without truth, that a silent device lived is proved
 * by hearing it again.
 */
import type { Transition } from '../detector/index.ts';
import { addSilence } from './detection-times.ts';
import { Tally } from './tally.ts';
import type { TraceDevice } from './trace-devices.ts';

/** What is open about one device. */
interface Watch {
  readonly device: TraceDevice;
  readonly tally: Tally;
  /** Beginning of the open piece. */
  from: number;
  /** Heard since it lives: before that, nobody could expect it. */
  heard: boolean;
  /** Gone with notice: maintenance, or left for good. Time that counts neither way. */
  away: boolean;
  /** Called dead now, since when within the piece. */
  dead: boolean;
  deadSince: number;
  /** Time of the piece, before `deadSince`, in which it was called dead. */
  calledDeadMs: number;
  /** When it was first called dead in this piece; NaN while it was not. */
  calledDeadAt: number;
  /** Without truth: deaths in the open piece, which are mistakes if the device is heard again. */
  doubtful: number;
  /** With truth: when it died and when that was noticed for good; NaN where not. */
  diedAt: number;
  detectedAt: number;
}

/** When the device's silence would become its death. */
export type DeadPoint = (device: TraceDevice) => number | undefined;

export class Ledger {
  readonly #tallies: ReadonlyMap<string, Tally>;
  readonly #hasTruth: boolean;
  readonly #deadPoint: DeadPoint;
  readonly #onSilence: ((device: TraceDevice, ms: number) => void) | undefined;
  readonly #watches: (Watch | undefined)[] = [];
  #blind = false;

  /** @param onSilence told of each silence of a live device that was settled */
  constructor(
    classes: Iterable<string>,
    hasTruth: boolean,
    deadPoint: DeadPoint,
    onSilence?: (device: TraceDevice, ms: number) => void,
  ) {
    this.#tallies = new Map([...classes].map((name) => [name, new Tally()]));
    this.#hasTruth = hasTruth;
    this.#deadPoint = deadPoint;
    this.#onSilence = onSilence;
  }

  /** By class. */
  get tallies(): ReadonlyMap<string, Tally> {
    return this.#tallies;
  }

  /**
   * A device has proved that it lives.
   *
   * @param deadAt its dead point before it was heard
   * @param rebooted it comes back from a death with a new boot: then it may well have been dead
   */
  heard(device: TraceDevice, at: number, deadAt: number | undefined, rebooted: boolean): void {
    const watch = this.#watches[device.index] ?? this.#open(device, at);
    if (!this.#hasTruth && rebooted) {
      watch.tally.unresolved += watch.doubtful;
      this.#begin(watch, at);
    } else {
      watch.tally.falseAlarms += watch.doubtful;
      this.#settle(watch, at, deadAt);
    }
    watch.doubtful = 0;
    watch.away = false;
    watch.heard = device.condition.alive;
  }

  /** A device has said that it leaves for longer than its sleep. */
  left(device: TraceDevice): void {
    const watch = this.#watches[device.index];
    if (watch !== undefined) watch.away = true;
  }

  /** Takes a verdict down, as of when it was told: a restatement does not unsay it. */
  judged(device: TraceDevice, { to, at, noticedAt, reason }: Transition): void {
    const watch = this.#watches[device.index];
    if (watch === undefined || reason === 'expired') return;
    if (to === 'dead' && !watch.dead) {
      watch.dead = true;
      watch.deadSince = noticedAt;
      if (Number.isNaN(watch.calledDeadAt)) watch.calledDeadAt = noticedAt;
      if (!this.#hasTruth) watch.doubtful += 1;
      else if (livedAt(device, at)) watch.tally.falseAlarms += 1;
      if (!Number.isNaN(watch.diedAt)) watch.detectedAt = noticedAt;
    } else if (to !== 'dead' && watch.dead) {
      watch.dead = false;
      watch.calledDeadMs += noticedAt - watch.deadSince;
      // What was heard settled the piece before; the new one was not begun dead.
      if (watch.calledDeadAt === noticedAt) watch.calledDeadAt = Number.NaN;
      // Chen's detection time ends with the verdict that stays.
      watch.detectedAt = Number.NaN;
    }
  }

  /** To be called before and after a device's truth changes. */
  beforeTruth(device: TraceDevice, at: number): void {
    const watch = this.#watches[device.index];
    if (watch === undefined) return;
    this.#settle(watch, at, this.#deadPoint(device));
    this.#closeDeath(watch, true);
  }

  afterTruth(device: TraceDevice, at: number): void {
    const watch = this.#watches[device.index];
    const { alive, planned } = device.condition;
    if (watch === undefined || alive) return;
    watch.heard = false;
    if (planned) return;
    watch.tally.deaths += 1;
    watch.diedAt = at;
    watch.detectedAt = watch.dead ? at : Number.NaN;
  }

  /** What the monitor cannot hear it cannot judge: pieces end where blind time begins. */
  blindBegins(at: number): void {
    if (this.#blind) return;
    for (const watch of this.#watches) {
      // A death in doubt stays open; any other device was trusted, and is.
      if (watch !== undefined && (this.#hasTruth || !watch.dead)) {
        this.#settle(watch, at, this.#deadPoint(watch.device));
      }
    }
    this.#blind = true;
  }

  blindEnds(at: number): void {
    if (!this.#blind) return;
    this.#blind = false;
    for (const watch of this.#watches) if (watch !== undefined) this.#begin(watch, at);
  }

  /** The trace ends: not a death. Only the truth knows what devices did after they were last heard. */
  finish(at: number): void {
    for (const watch of this.#watches) {
      if (watch === undefined) continue;
      if (this.#hasTruth) this.#settle(watch, at, this.#deadPoint(watch.device));
      this.#closeDeath(watch, false);
      watch.tally.unresolved += watch.doubtful;
    }
  }

  #open(device: TraceDevice, at: number): Watch {
    const tally = this.#tallies.get(device.deviceClass) as Tally;
    const watch: Watch = {
      device,
      tally,
      from: at,
      heard: false,
      away: false,
      dead: false,
      deadSince: at,
      calledDeadMs: 0,
      calledDeadAt: Number.NaN,
      doubtful: 0,
      diedAt: Number.NaN,
      detectedAt: Number.NaN,
    };
    tally.devices += 1;
    this.#watches[device.index] = watch;
    return watch;
  }

  #settle(watch: Watch, at: number, deadAt: number | undefined): void {
    const spanMs = at - watch.from;
    if (spanMs > 0 && !this.#blind && !watch.away) {
      const { device, tally } = watch;
      const { alive, planned } = device.condition;
      const calledDeadMs = watch.calledDeadMs + (watch.dead ? at - watch.deadSince : 0);
      if (alive && watch.heard) {
        const noticedAt = Number.isNaN(watch.calledDeadAt) ? deadAt : watch.calledDeadAt;
        if (noticedAt !== undefined) addSilence(tally.silences, watch.from, at, noticedAt);
        tally.mistakeMs += calledDeadMs;
        this.#onSilence?.(device, spanMs);
      }
      if (alive || !planned) {
        tally.judgedMs += spanMs;
        tally.wrongMs += alive ? calledDeadMs : spanMs - calledDeadMs;
      }
    }
    this.#begin(watch, at);
  }

  #begin(watch: Watch, at: number): void {
    watch.from = at;
    watch.deadSince = at;
    watch.calledDeadMs = 0;
    watch.calledDeadAt = watch.dead ? at : Number.NaN;
  }

  /** Counts a death whose end has come, or that the trace's end leaves open. */
  #closeDeath(watch: Watch, over: boolean): void {
    const { diedAt, detectedAt, tally } = watch;
    if (Number.isNaN(diedAt)) return;
    if (!Number.isNaN(detectedAt)) tally.detection.add(detectedAt - diedAt);
    else if (over) tally.missed += 1;
    watch.diedAt = Number.NaN;
    watch.detectedAt = Number.NaN;
  }
}

/** By the truth as it is now, which changed at most once since `at`. */
function livedAt({ condition: { alive, since } }: TraceDevice, at: number): boolean {
  return alive ? at >= since : at < since;
}
