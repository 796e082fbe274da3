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
    if (state === 'dead') {
      this.#verdicts.arm(device);
      return;
    }
    const expectedBy = table.expectedBy.get(device);
    if (this.#fleet.has(device, FLAG.willCame)) this.#forgetWill(device);
    this.#fleet.forgive(device, since, at);
    const wasAlive = this.#fleet.has(device, FLAG.aliveBeforeBlind);
    this.#fleet.flag(device, FLAG.aliveBeforeBlind, false);
    if (state === 'asleep' && expectedBy <= at) {
      this.#verdicts.move(device, 'unknown', Math.max(expectedBy, since), at, 'monitor-blind');
    } else if (state === 'unknown' && wasAlive && expectedBy > at) {
      this.#verdicts.move(device, 'alive', at, at, 'monitor-back');
    } else this.#verdicts.arm(device);
  }

  /** It may have reconnected unheard, and will not do so again: from now on only its beats count. */
  #forgetWill(device: number): void {
    this.#fleet.flag(device, FLAG.willCame, false);
    const { at, nextMs } = this.#fleet.planOf(device);
    if (!Number.isNaN(at)) this.#fleet.expectNext(device, at, nextMs);
  }
}
