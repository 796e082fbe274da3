/** Seeded dice: sfc32, fast and good enough for Monte Carlo. One seed draws a whole simulated world. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

export function random(seed: number, stream = 0): Random {
  let a = seed | 0;
  let b = stream | 0;
  let c = 0x9e3779b9;
  let counter = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 15; i++) next();
  return { next };
}

export const uniform = (dice: Random, from: number, to: number): number => from + (to - from) * dice.next();

/** Uniform in the logarithm. */
export const logUniform = (dice: Random, from: number, to: number): number =>
  from * (to / from) ** dice.next();

export const exponential = (dice: Random, mean: number): number => -mean * Math.log(1 - dice.next());

/** Standard normal by Box and Muller. */
export const normal = (dice: Random): number =>
  Math.sqrt(-2 * Math.log(1 - dice.next())) * Math.cos(2 * Math.PI * dice.next());

export function pick<T>(dice: Random, choices: readonly T[]): T {
  return choices[Math.floor(dice.next() * choices.length)] as T;
}
