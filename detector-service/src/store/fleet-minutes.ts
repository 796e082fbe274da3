/** The series `fleet_1m`: what each class does at each site, minute by minute, kept by adding up and never by asking. */
import { STATES, type State, type Transition } from '../detector/transition.ts';
import { Columns } from './columns.ts';
import type { DeviceKey } from './device-key.ts';
import { FleetGroup } from './fleet-group.ts';
import type { HearingTimes } from './hearing-times.ts';
import { MINUTE_MS, slotStart } from './slot.ts';

/** Pairs of class and site that are told apart; further sites of a class share one. */
const GROUPS_MAX = 5000;
/** No site can have this name: names begin with a letter or digit. */
const OTHER_SITES = '~other';

/** Lines wait for at most so many closed minutes; a sweep each second takes them away long before. */
const LINES_WAITING_MAX = 2 * GROUPS_MAX;

export interface BeatOfFleet {
  readonly intervalMs: number;
  readonly isBeat: boolean;
  readonly roundTripMs: number | undefined;
  readonly delayMs: number | undefined;
  readonly lateMs: number | undefined;
  /** From this beat to the instant at which silence makes its device dead. */
  readonly promisedMs: number | undefined;
}

export class FleetMinutes {
  /** The beats of a device in an hour, by its interval, in millionths. */
  readonly rates = new Columns({ rate: Float64Array });
  /** The group of a device, plus one, and its state. */
  readonly #places = new Columns({ group: Uint32Array, state: Uint8Array });
  readonly #hearing: HearingTimes;
  readonly #groups: FleetGroup[] = [];
  readonly #byPlace = new Map<string, Map<string | undefined, number>>();
  /** Start of the open minute. */
  #minute = Number.NEGATIVE_INFINITY;
  #waiting: string[] = [];
  /** What a run before counted of an open minute is forgotten. */
  #countedFrom = Number.NEGATIVE_INFINITY;

  constructor(hearing: HearingTimes) {
    this.#hearing = hearing;
  }

  /** A device's verdict is now `state`, at `site`. */
  place(row: number, { deviceClass }: DeviceKey, site: string | undefined, state: State, at: number): void {
    this.#places.reach(row);
    this.rates.reach(row);
    const { group, state: states } = this.#places.of;
    const former = group[row] as number;
    if (former > 0) this.#groups[former - 1]?.leave(states[row] as number, this.#rateOf(row), at);
    const number = this.#group(deviceClass, site, at);
    group[row] = number + 1;
    states[row] = STATES.indexOf(state);
    this.#groups[number]?.enter(states[row] as number, this.#rateOf(row), at);
  }

  /** A device is forgotten. */
  remove(row: number, at: number): void {
    const { group, state } = this.#places.of;
    const former = (group[row] as number | undefined) ?? 0;
    if (former > 0) this.#groups[former - 1]?.leave(state[row] as number, this.#rateOf(row), at);
    this.#places.clear(row);
    this.rates.clear(row);
  }

  /** Counts what a verdict told now means; `row` may have moved on since. */
  noticed(row: number, { from, to, reason, restated }: Transition): void {
    const group = this.#groups[((this.#places.of.group[row] as number | undefined) ?? 0) - 1];
    if (group === undefined) return;
    if (to === 'suspect' && from !== 'suspect') group.timeouts++;
    if (to === 'dead' && !restated) group.deaths++;
    // Restated as unreachable: it ran all the time. Heard without a new boot: so it did, as far as anybody can tell.
    if (from === 'dead' && (restated || reason === 'heard')) group.mistakes++;
  }

  heard(row: number, beat: BeatOfFleet, at: number): void {
    const { group: groups, state } = this.#places.of;
    const { rate } = this.rates.of;
    const group = this.#groups[((groups[row] as number | undefined) ?? 0) - 1];
    if (group === undefined) return;
    const perHour = Math.round(3.6e12 / beat.intervalMs);
    if (perHour !== rate[row]) {
      group.leave(state[row] as number, this.#rateOf(row), at);
      rate[row] = perHour;
      group.enter(state[row] as number, this.#rateOf(row), at);
    }
    group.hear(beat);
  }

  /** A new run begins to count. */
  resume(at: number): void {
    this.#countedFrom = at;
  }

  /** Minutes before `minute` are not to be written again, whatever the clock says after a restart. */
  beginAt(minute: number): void {
    this.#minute = Math.max(this.#minute, minute);
  }

  /** Closes the minutes before the one of `at`; to be called before anything else is told about `at`. */
  roll(at: number): void {
    const minute = slotStart(at, MINUTE_MS);
    if (minute <= this.#minute) return;
    const open = this.#minute;
    this.#minute = minute;
    if (open === Number.NEGATIVE_INFINITY) return;
    const endsAt = open + MINUTE_MS;
    const heardMs = this.#hearing.heardMs(Math.min(endsAt, Math.max(open, this.#countedFrom)), endsAt);
    for (const group of this.#groups) {
      const line = group.close(endsAt, heardMs);
      if (line !== undefined && this.#waiting.length < LINES_WAITING_MAX)
        this.#waiting.push(`${line} ${open}`);
      // After a pause the minutes in between have no points, and no device time.
      group.skipTo(minute);
    }
  }

  get hasLines(): boolean {
    return this.#waiting.length > 0;
  }

  /** Lines of the minutes closed since the last call. */
  take(): string[] {
    return this.#waiting.splice(0);
  }

  #rateOf(row: number): number {
    return this.rates.of.rate[row] as number;
  }

  #group(deviceClass: string, site: string | undefined, at: number): number {
    let sites = this.#byPlace.get(deviceClass);
    if (sites === undefined) {
      sites = new Map();
      this.#byPlace.set(deviceClass, sites);
    }
    const known = sites.get(site);
    if (known !== undefined) return known;
    if (this.#groups.length >= GROUPS_MAX && site !== OTHER_SITES) {
      return this.#group(deviceClass, OTHER_SITES, at);
    }
    const number = this.#groups.push(new FleetGroup(deviceClass, site, Math.max(at, this.#minute))) - 1;
    sites.set(site, number);
    return number;
  }
}
