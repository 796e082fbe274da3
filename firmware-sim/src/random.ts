/**
 * Chance that can be repeated: one seed draws a whole simulated world.
 *
 * Streams are split by name, not by order of use: `seeded(7).split('meter/3')` is the same stream whoever else
 * drew from the seed before, so that adding a device, or a draw to its story, changes no other device's story.
 *
 * The generator is sfc32, Chris Doty-Humphrey's "small fast counting" generator of PractRand (public domain):
 * 128 bits of state, period at least 2^32. It decides when toys break; it keeps no secret.
 */

export type Seed = number | string;

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** Exponentially distributed with the given mean: the waiting time for something that never ages. */
  exponential(mean: number): number;
  /** Normally distributed with mean 0 and standard deviation 1. */
  normal(): number;
  /** Pareto distributed from 1 on: larger than x with the probability x^−shape. */
  pareto(shape: number): number;
  /** An independent stream, determined by this stream's own name and the given one alone. */
  split(name: string): Random;
}

/** PractRand discards the first 12 outputs, by which time every bit of the seed has reached every bit of state. */
const WARM_UP = 12;

export function seeded(seed: Seed): Random {
  return stream(String(seed));
}

function stream(name: string): Random {
  const next = sfc32(hash32(name, 1), hash32(name, 2), hash32(name, 3));
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    chance: (probability) => next() < probability,
    exponential: (mean) => -mean * Math.log1p(-next()),
    // Box and Muller 1958.
    normal: () => Math.sqrt(-2 * Math.log1p(-next())) * Math.cos(2 * Math.PI * next()),
    pareto: (shape) => (1 - next()) ** (-1 / shape),
    split: (child) => stream(`${name}/${child}`),
  };
}

function sfc32(seedA: number, seedB: number, seedC: number): () => number {
  let a = seedA;
  let b = seedB;
  let c = seedC;
  let counter = 1;
  const next = (): number => {
    const out = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + out;
    c |= 0;
    return (out >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < WARM_UP; i++) next();
  return next;
}

/** FNV-1a over the text, then MurmurHash3's finalizer, so that names that differ in one letter part for good. */
function hash32(text: string, salt: number): number {
  let h = 0x811c9dc5 ^ Math.imul(salt, 0x9e3779b1);
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
