/** The heartbeats of a large fleet in the order of time, as they come off the network. */
import type { BeatEvidence } from '@slowbeat/detector-service/detector';

export const INTERVAL_MS = 900_000;
/** A beat comes up to this share sooner or later, as announced: neighbours in time are strangers in memory. */
const JITTER = 0.1;
/** So many beats are decoded before the clock is started, so that the detector alone is timed. */
const BATCH = 10_000;
/** An instant times this, plus a beat's number, is still exact in a double. */
const NUMBERS = 2 ** 24;

/** How many places of each kind the devices of a fleet hang at. */
export interface Places {
  readonly sites: number;
  readonly gateways: number;
}

export interface Arrival {
  readonly beat: { -readonly [K in keyof BeatEvidence]: BeatEvidence[K] };
  at: number;
}

export class Heartbeats {
  readonly devices: number;
  readonly #places: Places | undefined;
  /** Instant of each beat; all first ones, all second ones, …, and one more of each to be announced. */
  readonly #at: Float64Array;
  /** Beats in the order of their instants. */
  readonly #order: Float64Array;
  readonly #batch: readonly Arrival[] = Array.from({ length: BATCH }, () => ({
    beat: { kind: 'beat', deviceClass: 'meter', device: '', generation: 1, session: 1, seq: 0 },
    at: 0,
  }));

  constructor(devices: number, rounds: number, places?: Places) {
    this.devices = devices;
    this.#places = places;
    this.#at = instants(devices, rounds + 1);
    const byTime = this.#at.subarray(0, rounds * devices).map((at, beat) => at * NUMBERS + beat);
    this.#order = byTime.sort().map((both) => both % NUMBERS);
  }

  /** Instant of the last beat of a round. */
  endOf(round: number): number {
    return this.#at[this.#order[(round + 1) * this.devices - 1] as number] as number;
  }

  /** The beats of a round, a batch at a time. The objects are the same in each; the names are new strings. */
  *round(round: number): Generator<readonly Arrival[]> {
    const end = (round + 1) * this.devices;
    for (let nth = round * this.devices; nth < end; nth += BATCH) {
      const batch = this.#batch.slice(0, end - nth);
      for (const [i, arrival] of batch.entries()) this.#fill(arrival, this.#order[nth + i] as number);
      yield batch;
    }
  }

  #fill(arrival: Arrival, nth: number): void {
    const { beat } = arrival;
    const device = nth % this.devices;
    // Names as a decoder gives them: out of bytes, the device's cut out of a topic.
    beat.device = decoded(`hb/v1/meter/dev-${device}/beat`).split('/')[3] as string;
    beat.seq = (nth - device) / this.devices;
    arrival.at = this.#at[nth] as number;
    beat.nextMs = (this.#at[nth + this.devices] as number) - arrival.at;
    if (this.#places === undefined) return;
    beat.gateway = decoded(`gateway-${device % this.#places.gateways}`);
    beat.site = decoded(`site-${device % this.#places.sites}`);
  }
}

/** A string in one piece: what is put together from two is only joined when it is first read. */
function decoded(text: string): string {
  return Buffer.from(text).toString();
}

function instants(devices: number, rounds: number): Float64Array {
  const at = new Float64Array(rounds * devices);
  // A linear congruential generator, so that two runs do the same.
  let dice = 12_345;
  for (let beat = 0; beat < at.length; beat += 1) {
    dice = (Math.imul(dice, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    const gapMs = Math.round(INTERVAL_MS * (1 + JITTER * (dice / 0x4000_0000 - 1)));
    at[beat] =
      beat < devices ? Math.floor((beat * INTERVAL_MS) / devices) : (at[beat - devices] as number) + gapMs;
  }
  return at;
}
