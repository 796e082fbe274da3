/** From deadlines to verdicts: the only place where a state changes and a transition is made. */
import { COUNT, FLAG } from './device-table.ts';
import type { Fleet } from './fleet.ts';
import { GroupOutage } from './group-outage.ts';
import { Probes } from './probes.ts';
import type { Reason, State, Transition } from './transition.ts';

const NOTHING: readonly Transition[] = Object.freeze([]);
/** A suspect is looked at again so many times before its death is due, at even distances. */
const LOOKS = 3;

export class Verdicts {
  readonly #fleet: Fleet;
  readonly outage: GroupOutage;
  readonly probes: Probes;
  #made: Transition[] = [];

  /** @param probing whether somebody takes the probes */
  constructor(fleet: Fleet, probing: boolean) {
    this.#fleet = fleet;
    this.probes = new Probes(fleet, probing);
    this.outage = new GroupOutage(fleet, this);
  }

  /** The transitions made since the last call. */
  take(): readonly Transition[] {
    if (this.#made.length === 0) return NOTHING;
    const made = this.#made;
    this.#made = [];
    return made;
  }

  /** Judges every device that is due up to `now`, in the order in which the verdicts became true. */
  judgeAll(now: number): void {
    const { queue } = this.#fleet.table;
    for (let device = queue.due(now); device >= 0; device = queue.due(now)) this.#judge(device, now);
  }

  /** Judges one device up to `now`; it is gone from the table afterwards when it expired. */
  judge(device: number, now: number): void {
    while (this.dueAt(device) <= now) {
      this.#judge(device, now);
      if (!this.#fleet.table.has(device)) return;
    }
  }

  /** When the device's verdict changes if nothing is heard; Infinity when it does not. */
  dueAt(device: number): number {
    const { table } = this.#fleet;
    switch (this.#fleet.state(device)) {
      case 'dead':
        return table.since.get(device) + Math.ceil(this.#fleet.classOf(device).config.expireMs);
      case 'suspect':
        return this.#fleet.has(device, FLAG.held) ? Infinity : this.#lookAt(device);
      case 'retired':
        return Infinity;
      case 'unreachable':
        return this.outage.dueAt(device);
      default:
        return table.suspectAt.get(device);
    }
  }

  /** Queues the device by its present deadline; to be called whenever that has changed. */
  arm(device: number): void {
    this.#fleet.table.queue.set(device, this.dueAt(device));
  }

  /** Gives a new verdict, true since `at`; the same verdict for the same reason is none. */
  move(device: number, to: State, at: number, noticedAt: number, reason: Reason): void {
    const { table } = this.#fleet;
    const from = this.#fleet.state(device);
    const trueSince = Math.max(at, table.since.get(device));
    if (from !== to || this.#fleet.reason(device) !== reason) {
      const phi = to === 'suspect' || to === 'dead' ? this.#fleet.phi(device, trueSince) : 0;
      this.#fleet.enter(device, to, reason, trueSince);
      if (to === 'dead') this.#fleet.flag(device, FLAG.calledDead, reason === 'silence');
      if (to === 'suspect') table.setCount(device, COUNT.looks, 0);
      if (from === 'suspect') this.outage.letGo(device);
      else if (from === 'unreachable') this.outage.left(device, to, noticedAt);
      const { device: name, deviceClass, site, gateway } = this.#fleet.subject(device);
      this.#made.push({
        device: name,
        deviceClass,
        site,
        gateway,
        from,
        to,
        at: trueSince,
        noticedAt,
        reason,
        phi: to === 'suspect' ? Math.max(1, phi) : phi,
        lastSeenAt: instant(table.lastSeenAt.get(device)),
        expectedBy: instant(table.expectedBy.get(device)),
        suspectAt: instant(table.suspectAt.get(device)),
        deadAt: instant(table.deadAt.get(device)),
      });
    }
    if (to !== 'retired') this.arm(device);
    if (to === 'suspect' && from !== 'suspect') {
      this.outage.suspected(device, trueSince, noticedAt);
      if (this.#fleet.state(device) === 'suspect' && reason === 'late') this.probes.ask(device);
    } else if (to === 'dead' || to === 'asleep' || to === 'retired') this.outage.decided(device, noticedAt);
    if (to === 'retired') this.#fleet.remove(device);
  }

  /**
   * Corrects the verdict that is in force, from its beginning, because later evidence disproved it.
   * The device keeps it only until the next `move`.
   */
  restate(device: number, to: State, noticedAt: number, reason: Reason): void {
    const { table } = this.#fleet;
    const from = this.#fleet.state(device);
    const at = table.since.get(device);
    this.#fleet.enter(device, to, reason, at);
    this.#made.push({
      ...this.#fleet.subject(device),
      from,
      to,
      at,
      noticedAt,
      reason,
      phi: 0,
      restated: true,
    });
  }

  #judge(device: number, now: number): void {
    const dueAt = this.dueAt(device);
    if (dueAt > now) {
      // Queued before its group fell silent again: what it was due for waits for the group.
      this.arm(device);
      return;
    }
    const state = this.#fleet.state(device);
    if (state === 'dead') this.move(device, 'retired', dueAt, now, 'expired');
    else if (state === 'unreachable' && !this.outage.isOnItsOwn(device, dueAt)) this.arm(device);
    else if (state !== 'suspect') {
      this.move(device, 'suspect', dueAt, now, state === 'asleep' ? 'overslept' : 'late');
    } else if (dueAt < this.#fleet.table.deadAt.get(device)) this.#lookAgain(device, dueAt, now);
    else if (this.outage.mayDie(device, dueAt, now)) {
      const willCame = this.#fleet.has(device, FLAG.willCame);
      const overslept = this.#fleet.reason(device) === 'overslept';
      const reason = willCame ? 'reconnect-timeout' : overslept ? 'overslept' : 'silence';
      this.move(device, 'dead', dueAt, now, reason);
    } else if (this.#fleet.state(device) === 'suspect') this.arm(device);
  }

  /** When a suspect is looked at next, or else when its death is due. */
  #lookAt(device: number): number {
    const { table } = this.#fleet;
    const deadAt = table.deadAt.get(device);
    const looks = table.count(device, COUNT.looks);
    if (looks >= LOOKS) return deadAt;
    const suspectAt = table.suspectAt.get(device);
    return Math.min(deadAt, Math.ceil(suspectAt + ((deadAt - suspectAt) * (looks + 1)) / (LOOKS + 1)));
  }

  /** Its silence weighs more by now: perhaps enough to tell of a common cause. */
  #lookAgain(device: number, at: number, now: number): void {
    const { table } = this.#fleet;
    table.setCount(device, COUNT.looks, table.count(device, COUNT.looks) + 1);
    this.outage.lookAgain(device, at, now);
    if (this.#fleet.state(device) !== 'suspect') return;
    this.probes.ask(device);
    this.arm(device);
  }
}

/** Undefined for an instant that is not known or never comes. */
export function instant(at: number | undefined): number | undefined {
  return Number.isFinite(at) ? at : undefined;
}
