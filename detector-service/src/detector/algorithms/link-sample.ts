import { CELLS, ENTRIES, EVIDENCE_SLOTS, LinkLikelihood, TRIALS } from './link-evidence.ts';
import { LinkKinds } from './link-kinds.ts';
import { LAWS } from './run-laws.ts';

/** Devices that stand for the class. */
const ROWS = 512;
/** A larger fleet's newcomers enter as if it had this many devices, so that the sample keeps up with the fleet. */
const FLEET_MAX = 64 * ROWS;
/** A row: the device's evidence, then its latest arrival and its interval. */
const HEARD_AT = EVIDENCE_SLOTS;
const STEP_MS = EVIDENCE_SLOTS + 1;
const ROW = EVIDENCE_SLOTS + 2;
/** A device with fewer gaps has a silence that is going on counted too, up to so many beats. */
const OPEN_GAPS = 16;
const OPEN_BEATS = 30;
/** The class is judged anew when the sample's evidence has grown by this share, and anyhow after so many gaps. */
const GROWTH = 0.25;
const GAPS_MAX = 50_000;

/** Devices for which the expectation from all of them together counts, beside each of them. */
const KIND_DEVICES = 4;
/** Rounds in which each device's own belief and the class's settle. */
const ROUNDS = 3;
/** Share of a device's chance to be like none of its class: half a device, and never less than this. */
const STRANGER_DEVICES = 0.1;
const STRANGER_MIN = 0.002;

/**
 * What the devices of a class say together about its links.
 *
 * The class remembers the evidence of a sample of its devices (Vitter's reservoir, 1985) and judges it as a whole:
 * the kinds of link make an expectation, to which each device of the sample adds what is believed of it, as with
 * a Dirichlet process around that expectation. What comes of it is a function of the sample alone.
 */
export class LinkSample {
  readonly #rows = new Float64Array(ROWS * ROW);
  /** How often each row changed hands. */
  readonly #turns = new Float64Array(ROWS);
  /** [devices that joined, gaps in the sample, gaps since it was judged, times it was judged] */
  readonly #counts = new Float64Array(4);
  /** P(law, entry) of a device of which nothing is known. */
  readonly weights: Float64Array;
  readonly #likelihood = new LinkLikelihood();

  constructor() {
    this.weights = Float64Array.from(ANYTHING);
  }

  /** How often the class was judged anew. */
  get judged(): number {
    return this.#counts[3] as number;
  }

  /** A device is heard for the first time. Returns its ticket, zero when it is not sampled. */
  joined(): number {
    const counts = this.#counts;
    const count = (counts[0] as number) + 1;
    counts[0] = count;
    const row = count <= ROWS ? count - 1 : scattered(count) % Math.min(count, FLEET_MAX);
    if (row >= ROWS) return 0;
    const turn = ((this.#turns[row] as number) + 1) % TURNS;
    this.#turns[row] = turn;
    counts[1] = (counts[1] as number) - (this.#rows[row * ROW + TRIALS] as number);
    this.#rows.fill(0, row * ROW, (row + 1) * ROW);
    return turn * ROWS + row + 1;
  }

  /** The evidence of the device with this ticket has grown by a gap. */
  grown(ticket: number, state: Float32Array, base: number): void {
    const row = this.#rowOf(ticket);
    if (row < 0) return;
    const counts = this.#counts;
    counts[1] =
      (counts[1] as number) + (state[base + TRIALS] as number) - (this.#rows[row + TRIALS] as number);
    counts[2] = (counts[2] as number) + 1;
    for (let i = 0; i < EVIDENCE_SLOTS; i++) this.#rows[row + i] = state[base + i] as number;
  }

  /** The device with this ticket was heard; its next beat is due after `stepMs`. */
  heard(ticket: number, at: number, stepMs: number): void {
    const row = this.#rowOf(ticket);
    if (row < 0) return;
    this.#rows[row + HEARD_AT] = at;
    this.#rows[row + STEP_MS] = stepMs;
    const counts = this.#counts;
    const known = (counts[1] as number) + Math.max(0, (counts[0] as number) - ROWS);
    if ((counts[2] as number) === 0 || (counts[2] as number) < Math.min(GAPS_MAX, GROWTH * known)) return;
    counts[2] = 0;
    counts[3] = this.judged + 1;
    this.#judge(at);
  }

  /** Learned state, by reference, for snapshots. */
  persistent(): Float64Array[] {
    return [this.#rows, this.#turns, this.#counts, this.weights];
  }

  /** Where the row of a ticket begins, −1 when the ticket is void. */
  #rowOf(ticket: number): number {
    if (ticket === 0) return -1;
    const row = (ticket - 1) % ROWS;
    return (ticket - 1 - row) / ROWS === this.#turns[row] ? row * ROW : -1;
  }

  #judge(now: number): void {
    const devices = this.#evidence(now);
    const kinds = new LinkKinds();
    for (const { byEntry, byLaw, from, to } of devices) kinds.weigh(byEntry, byLaw, from, to);
    const expected = new Float64Array(CELLS);
    kinds.expected(expected);
    const stranger = Math.max(STRANGER_MIN, STRANGER_DEVICES / (STRANGER_DEVICES + devices.length));
    const mix = (p: Float64Array): void => {
      for (let at = 0; at < CELLS; at++)
        this.weights[at] = (1 - stranger) * (p[at] as number) + stranger * (ANYTHING[at] as number);
    };
    mix(expected);
    const sum = new Float64Array(CELLS);
    for (let round = 0; round < ROUNDS; round++) {
      for (let at = 0; at < CELLS; at++) sum[at] = KIND_DEVICES * (expected[at] as number);
      for (const device of devices) this.#addBelief(sum, device);
      for (let at = 0; at < CELLS; at++) sum[at] = (sum[at] as number) / (KIND_DEVICES + devices.length);
      mix(sum);
    }
  }

  #evidence(now: number): Evidence[] {
    const likelihood = this.#likelihood;
    const all: Evidence[] = [];
    for (let row = 0; row < this.#rows.length; row += ROW) {
      const open = this.#openBeats(row, now);
      if (this.#rows[row + TRIALS] === 0 && open === 0) continue;
      likelihood.of(this.#rows, row, open);
      all.push({
        byEntry: likelihood.byEntry.slice(),
        byLaw: likelihood.byLaw.slice(),
        from: likelihood.from,
        to: likelihood.to,
      });
    }
    return all;
  }

  /**
   * Beats that a device with few gaps has already lost in the silence that goes on. When a fleet joins, the gaps
   * without loss end first: by them alone every link would look perfect (right censoring).
   */
  #openBeats(row: number, now: number): number {
    const stepMs = this.#rows[row + STEP_MS] as number;
    if (stepMs === 0 || (this.#rows[row + TRIALS] as number) >= OPEN_GAPS) return 0;
    const beats = Math.floor((now - (this.#rows[row + HEARD_AT] as number)) / stepMs - 0.5);
    return beats <= OPEN_BEATS ? Math.max(0, beats) : 0;
  }

  #addBelief(sum: Float64Array, { byEntry, byLaw, from, to }: Evidence): void {
    const { weights } = this;
    let total = 0;
    for (let m = 0; m < LAWS.length; m++) {
      const law = byLaw[m] as number;
      if (law < NEGLIGIBLE_LAW) continue;
      let row = 0;
      for (let e = from, at = m * ENTRIES.length + from; e < to; e++, at++)
        row += (weights[at] as number) * (byEntry[e] as number);
      total += row * law;
    }
    for (let m = 0; m < LAWS.length; m++) {
      const law = byLaw[m] as number;
      if (law < NEGLIGIBLE_LAW) continue;
      const stay = law / total;
      for (let e = from, at = m * ENTRIES.length + from; e < to; e++, at++)
        sum[at] = (sum[at] as number) + (weights[at] as number) * (byEntry[e] as number) * stay;
    }
  }
}

/** Likelihoods of one sampled device. */
interface Evidence {
  readonly byEntry: Float64Array;
  readonly byLaw: Float64Array;
  readonly from: number;
  readonly to: number;
}

/** Laws less likely than the likeliest by this factor are left out. */
const NEGLIGIBLE_LAW = 1e-9;

/** A ticket, `turn · ROWS + row + 1`, must be exact as a 32-bit float. */
const TURNS = 2 ** 24 / ROWS - 1;

/** A device of a class never seen before: what the kinds of links let expect, anything from wire to the edge of coverage. */
const ANYTHING = new Float64Array(CELLS);
new LinkKinds().expected(ANYTHING);

/** Knuth's multiplicative hash: the reservoir's dice, the same in every run. */
const scattered = (n: number): number => (Math.imul(n, 0x9e3779b1) >>> 0) >>> 3;
