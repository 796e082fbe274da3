/** One class at one site: its devices by state, and what it did in the open minute. */
import { STATES, type State } from '../detector/transition.ts';
import type { BeatOfFleet } from './fleet-minutes.ts';
import { LatencySummary } from './latency-summary.ts';
import { escapeTag } from './line-protocol.ts';
import { tidy } from './rollup-line.ts';

export const FLEET_MEASUREMENT = 'fleet_1m';

const isJudged = (state: State): boolean => state !== 'unknown' && state !== 'retired';
const isExpected = (state: State): boolean => isJudged(state) && state !== 'asleep';
const RETIRED = STATES.indexOf('retired');

export class FleetGroup {
  timeouts = 0;
  deaths = 0;
  mistakes = 0;
  readonly #key: string;
  readonly #devices = new Uint32Array(STATES.length);
  #beats = 0;
  #promises = 0;
  #promisedSumMs = 0;
  #promisedMaxMs = 0;
  readonly #roundTrip = new LatencySummary();
  readonly #delay = new LatencySummary();
  readonly #late = new LatencySummary();
  /** Devices judged, and millionths of beats an hour expected of them, whole numbers so that sums stay exact. */
  #judged = 0;
  #rate = 0;
  /** Up to when the two sums below are added up. */
  #countedTo: number;
  #watchedMs = 0;
  #expected = 0;

  constructor(deviceClass: string, site: string | undefined, at: number) {
    const place = site ? `,site=${escapeTag(site)}` : '';
    this.#key = `${FLEET_MEASUREMENT},class=${escapeTag(deviceClass)}${place}`;
    this.#countedTo = at;
  }

  enter(state: number, rate: number, at: number): void {
    this.#countTo(at);
    this.#devices[state] = (this.#devices[state] as number) + 1;
    if (isJudged(STATES[state] as State)) this.#judged++;
    if (isExpected(STATES[state] as State)) this.#rate += rate;
  }

  leave(state: number, rate: number, at: number): void {
    this.#countTo(at);
    this.#devices[state] = (this.#devices[state] as number) - 1;
    if (isJudged(STATES[state] as State)) this.#judged--;
    if (isExpected(STATES[state] as State)) this.#rate -= rate;
  }

  hear({ isBeat, roundTripMs, delayMs, lateMs, promisedMs }: BeatOfFleet): void {
    if (isBeat) this.#beats++;
    if (roundTripMs !== undefined) this.#roundTrip.add(roundTripMs);
    if (delayMs !== undefined) this.#delay.add(delayMs);
    if (lateMs !== undefined) this.#late.add(lateMs);
    if (!isBeat || promisedMs === undefined) return;
    this.#promises++;
    this.#promisedSumMs += promisedMs;
    this.#promisedMaxMs = Math.max(this.#promisedMaxMs, promisedMs);
  }

  /** The line of the minute that ends at `endsAt`, without its timestamp; undefined when there was nobody. */
  close(endsAt: number, heardMs: number): string | undefined {
    this.#countTo(endsAt);
    let devices = 0;
    let states = '';
    for (let state = 0; state < RETIRED; state++) {
      const count = this.#devices[state] as number;
      devices += count;
      states += `,${STATES[state]}=${count}i`;
    }
    const isQuiet = devices === 0 && this.#watchedMs === 0 && this.#beats === 0;
    const promised =
      this.#promises === 0
        ? ''
        : `,promised_ms=${tidy(this.#promisedSumMs / this.#promises)},promised_max_ms=${tidy(this.#promisedMaxMs)}`;
    const line =
      `${this.#key} devices=${devices}i${states},watched_ms=${Math.round(this.#watchedMs)}i,heard_ms=${heardMs}i` +
      `,beats=${this.#beats}i,expected_beats=${tidy(this.#expected)}` +
      `,timeouts=${this.timeouts}i,deaths=${this.deaths}i,mistakes=${this.mistakes}i${promised}` +
      this.#roundTrip.fields('lat') +
      this.#delay.fields('delay') +
      this.#late.fields('late');
    this.#clear();
    return isQuiet ? undefined : line;
  }

  /** Time up to `at` does not count. */
  skipTo(at: number): void {
    this.#countedTo = Math.max(this.#countedTo, at);
  }

  #countTo(at: number): void {
    const ms = at - this.#countedTo;
    if (ms <= 0) return;
    this.#watchedMs += ms * this.#judged;
    this.#expected += (ms * this.#rate) / 3.6e12;
    this.#countedTo = at;
  }

  #clear(): void {
    this.#beats = this.timeouts = this.deaths = this.mistakes = 0;
    this.#promises = this.#promisedSumMs = this.#promisedMaxMs = this.#watchedMs = this.#expected = 0;
    this.#roundTrip.clear();
    this.#delay.clear();
    this.#late.clear();
  }
}
