/**
 * Blind time: the monitor could not hear, so silence proves nothing.
 *
 * Verdicts are withdrawn while it lasts, and afterwards deadlines are moved so that the silence counted against a
 * device is only silence we could have heard broken.
 */
import { FLAG } from './device-table.ts';
import type { Fleet } from './fleet.ts';
import type { Verdicts } from './verdicts.ts';

export class BlindTime {
  readonly #fleet: Fleet;
  readonly #verdicts: Verdicts;
  /** Since when the monitor cannot hear; undefined while it can. */
  since: number | undefined;
  /** After a restore, the instant of the snapshot: what was heard later is forgotten, as if not heard. */
  forgottenSince: number | undefined;

  constructor(fleet: Fleet, verdicts: Verdicts) {
    this.#fleet = fleet;
    this.#verdicts = verdicts;
  }

  /** What was alive is now unknown. A death or an announced sleep stands until evidence says otherwise. */
  begin(at: number): void {
    if (this.since !== undefined) return;
    // After a restore, silence since the snapshot may only be forgetfulness: it must not be judged.
    if (this.forgottenSince === undefined) this.#verdicts.judgeAll(at);
    this.since = at;
    for (const device of this.#fleet.table.indices()) {
      const state = this.#fleet.state(device);
      if (state !== 'alive' && state !== 'suspect') continue;
      this.#fleet.flag(device, FLAG.aliveBeforeBlind, state === 'alive');
      this.#verdicts.move(device, 'unknown', at, at, 'monitor-blind');
    }
  }

  end(at: number): void {
    if (this.since === undefined) return;
    const since = Math.min(this.since, this.forgottenSince ?? Infinity);
    this.since = undefined;
    this.forgottenSince = undefined;
    this.#fleet.hearingSince = at;
    for (const device of this.#fleet.table.indices()) this.#resume(device, since, at);
  }

  #resume(device: number, since: number, at: number): void {
    const { table } = this.#fleet;
    const state = this.#fleet.state(device);
    if (state === 'dead' || state === 'unreachable') {
      this.#verdicts.arm(device);
      return;
    }
    const expectedBy = table.expectedBy[device] as number;
    const lastSeenAt = table.lastSeenAt[device] as number;
    const deafSince = Number.isNaN(lastSeenAt) ? since : Math.max(since, lastSeenAt);
    const shift = blindShift(deafSince, at, expectedBy, table.intervalMs[device] as number);
    // Devices that lost their connection together with us need their time to come back.
    const reconnectedBy = at + this.#fleet.classOf(device).config.reconnectMs;
    table.expectedBy[device] = expectedBy + shift.expectedMs;
    table.suspectAt[device] = Math.max((table.suspectAt[device] as number) + shift.expectedMs, reconnectedBy);
    table.deadAt[device] = Math.max((table.deadAt[device] as number) + shift.deadMs, reconnectedBy);
    const wasAlive = this.#fleet.has(device, FLAG.aliveBeforeBlind);
    this.#fleet.flag(device, FLAG.aliveBeforeBlind, false);
    if (state === 'asleep' && expectedBy <= at) {
      this.#verdicts.move(device, 'unknown', Math.max(expectedBy, since), at, 'monitor-blind');
    } else if (state === 'unknown' && wasAlive && expectedBy > at) {
      this.#verdicts.move(device, 'alive', at, at, 'monitor-back');
    } else this.#verdicts.arm(device);
  }
}

/**
 * How far blind time moves a device's expectation and its dead point.
 *
 * A device not due before the end needs no shift: we hear its next beat or we do not. One that was due has perhaps
 * beaten unheard; the next beat we can hear comes whole intervals later, and since its announcement was lost with
 * the unheard one, the dead point allows it one interval more.
 */
export function blindShift(
  since: number,
  until: number,
  expectedBy: number,
  intervalMs: number,
): { expectedMs: number; deadMs: number } {
  if (!(expectedBy <= until)) return { expectedMs: 0, deadMs: 0 };
  const firstUnheard = expectedBy >= since ? 0 : Math.ceil((since - expectedBy) / intervalMs);
  const lastUnheard = Math.floor((until - expectedBy) / intervalMs);
  const unheard = lastUnheard - firstUnheard + 1;
  const blindMs = until - since;
  if (unheard <= 0) return { expectedMs: blindMs, deadMs: blindMs };
  const expectedMs = Math.max(blindMs, unheard * intervalMs);
  return { expectedMs, deadMs: Math.max(blindMs, (unheard + 1) * intervalMs) };
}
