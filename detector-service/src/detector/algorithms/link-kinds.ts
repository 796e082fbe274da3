import { CELLS, ENTRIES } from './link-evidence.ts';
import { CUTS, DECAYS, LAWS, STAYS } from './run-laws.ts';

/**
 * What kind of links a class may have, before any is known: the hypotheses among which its devices decide.
 *
 * Devices of one class resemble each other, nobody knows how closely. So each hypothesis is a bell in the logit
 * with a place and a spread, one for the loss entry and one for the stay; or the stay follows the entry, as on
 * links that lose each beat by itself; or runs are bursts of one decay. The hypotheses are weighed by what they make
 * of all devices together (hierarchical Bayes), so a handful of gaps of each of many devices say much, and those of one device little.
 */

/** Spreads of a bell: alike, mixed, anything. Logits. */
const SPREADS = [0.4, 1, 1.6];
const ENTRY_PLACES = range(-12, 1, 1);
const STAY_PLACES = range(-5, 3, 1);
/** How far the stay of a link that loses each beat by itself is from the entry. */
const FOLLOW_SPREADS = [0.4, 1.5];

/** Where they are usually found: 2 % of the beats begin a run, one run in four goes on, give or take a factor of ten. */
const ENTRY_USUAL = { place: -4, spread: 2 };
const STAY_USUAL = { place: -1, spread: 1 };
/** Share of the classes whose runs end like no Markov chain's. A few dozen runs overrule it, either way. */
const BURSTY = 0.05;
/** Share of the classes whose stays follow the entries. */
const FOLLOWING = 0.5;

const logit = (p: number): number => Math.log(p / (1 - p));
const bell = (x: number, place: number, spread: number): number =>
  Math.exp(-(((x - place) / spread) ** 2) / 2);

const ENTRY_SHAPES = shapes(ENTRIES, ENTRY_PLACES);
const NO_BURSTS = DECAYS.flatMap(() => CUTS.map(() => 0));
const LAW_SHAPES = [
  ...shapes(STAYS, STAY_PLACES).map((shape) => Float64Array.of(...shape, ...NO_BURSTS)),
  ...burstShapes(),
];
/** P(stay | entry) where it follows, laid out as cells. */
const FOLLOW_SHAPES = FOLLOW_SPREADS.map((spread) => {
  const cells = new Float64Array(CELLS);
  ENTRIES.forEach((entry, e) => {
    const column = normalised(STAYS.map((stay) => bell(logit(stay), logit(entry), spread) + 1e-9));
    column.forEach((p, m) => {
      cells[m * ENTRIES.length + e] = p;
    });
  });
  return cells;
});
const ENTRY_PRIOR = prior(ENTRY_PLACES, ENTRY_USUAL);
const LAW_PRIOR = Float64Array.of(
  ...prior(STAY_PLACES, STAY_USUAL).map((p) => p + Math.log(1 - BURSTY)),
  ...burstShapes().map((_, __, all) => Math.log(BURSTY / all.length)),
);

/** Weighs the kinds of links by what they make of one device after the other. */
export class LinkKinds {
  readonly #byEntry = Float64Array.from(ENTRY_PRIOR);
  readonly #byLaw = Float64Array.from(LAW_PRIOR, (p) => p + Math.log(1 - FOLLOWING));
  readonly #following = FOLLOW_SHAPES.map(() =>
    Float64Array.from(ENTRY_PRIOR, (p) => p + Math.log(FOLLOWING / FOLLOW_SHAPES.length)),
  );
  readonly #both = new Float64Array(ENTRIES.length);

  /** A device whose evidence has these likelihoods; `from` to `to` are the entries that matter. */
  weigh(byEntry: Float64Array, byLaw: Float64Array, from: number, to: number): void {
    ENTRY_SHAPES.forEach((shape, h) => {
      this.#byEntry[h] = (this.#byEntry[h] as number) + Math.log(product(shape, byEntry, from, to));
    });
    LAW_SHAPES.forEach((shape, h) => {
      this.#byLaw[h] = (this.#byLaw[h] as number) + Math.log(product(shape, byLaw, 0, LAWS.length));
    });
    const both = this.#both;
    FOLLOW_SHAPES.forEach((cells, f) => {
      both.fill(0, from, to);
      for (let m = 0; m < STAYS.length; m++) {
        const likely = byLaw[m] as number;
        if (likely < 1e-9) continue;
        for (let e = from, at = m * ENTRIES.length + from; e < to; e++, at++)
          both[e] = (both[e] as number) + likely * (cells[at] as number);
      }
      for (let e = from; e < to; e++) both[e] = (both[e] as number) * (byEntry[e] as number);
      const following = this.#following[f] as Float64Array;
      ENTRY_SHAPES.forEach((shape, h) => {
        following[h] = (following[h] as number) + Math.log(product(shape, both, from, to));
      });
    });
  }

  /** The distribution over links to be expected of one more device. */
  expected(into: Float64Array): void {
    const own = { top: top(this.#byEntry) + top(this.#byLaw), entries: blend(this.#byEntry, ENTRY_SHAPES) };
    const laws = blend(this.#byLaw, LAW_SHAPES);
    const scale = Math.max(own.top, ...this.#following.map(top));
    const ownWeight = Math.exp(own.top - scale);
    const following = this.#following.map((weights) => ({
      weight: Math.exp(top(weights) - scale),
      entries: blend(weights, ENTRY_SHAPES),
    }));
    let total = 0;
    for (let m = 0, at = 0; m < LAWS.length; m++)
      for (let e = 0; e < ENTRIES.length; e++, at++) {
        let p = ownWeight * (own.entries[e] as number) * (laws[m] as number);
        for (let f = 0; f < following.length; f++) {
          const { weight, entries } = following[f] as (typeof following)[number];
          p += weight * (entries[e] as number) * ((FOLLOW_SHAPES[f] as Float64Array)[at] as number);
        }
        into[at] = p;
        total += p;
      }
    for (let at = 0; at < CELLS; at++) into[at] = (into[at] as number) / total;
  }
}

/** Σ of the shapes times their weights relative to the largest; the weights are logarithms. */
function blend(weights: Float64Array, all: readonly Float64Array[]): Float64Array {
  const most = top(weights);
  const sum = new Float64Array((all[0] as Float64Array).length);
  all.forEach((shape, h) => {
    const weight = Math.exp((weights[h] as number) - most);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + weight * (shape[i] as number);
  });
  return sum;
}

function product(shape: Float64Array, likely: Float64Array, from: number, to: number): number {
  let sum = 1e-30;
  for (let i = from; i < to; i++) sum += (shape[i] as number) * (likely[i] as number);
  return sum;
}

function shapes(values: readonly number[], places: readonly number[]): Float64Array[] {
  return places.flatMap((place) =>
    SPREADS.map((spread) => normalised(values.map((value) => bell(logit(value), place, spread) + 1e-9))),
  );
}

/** Bursts of a class decay alike, and are cut off at about the same length or anywhere. */
function burstShapes(): Float64Array[] {
  const first = (d: number): number => STAYS.length + d * CUTS.length;
  return DECAYS.flatMap((_, d) =>
    [...CUTS.keys(), -1].map((place) =>
      normalised(
        LAWS.map((__, law) => {
          const cut = law - first(d);
          if (cut < 0 || cut >= CUTS.length) return 0;
          return place < 0 ? 1 : 0.1 ** Math.abs(cut - place);
        }),
      ),
    ),
  );
}

function prior(places: readonly number[], usual: { place: number; spread: number }): Float64Array {
  const each = places.flatMap((place) => SPREADS.map(() => bell(place, usual.place, usual.spread)));
  return normalised(each).map(Math.log);
}

function normalised(values: readonly number[]): Float64Array {
  const total = values.reduce((sum, value) => sum + value, 0);
  return Float64Array.from(values, (value) => value / total);
}

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.round((to - from) / step) + 1 }, (_, i) => from + i * step);
}

const top = (values: Float64Array): number =>
  values.reduce((most, value) => Math.max(most, value), -Infinity);
