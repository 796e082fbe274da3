import { exponential, normal, type Random } from './random.ts';

/** The true one-way delay of a link. Milliseconds. */
export interface Delay {
  draw(dice: Random): number;
  /** P(delay > x). */
  survival(x: number): number;
}

export function exponentialDelay(floorMs: number, meanMs: number): Delay {
  return {
    draw: (dice) => floorMs + exponential(dice, meanMs),
    survival: (x) => (x <= floorMs ? 1 : Math.exp(-(x - floorMs) / meanMs)),
  };
}

/** Log-normal body. */
export function logNormalDelay(medianMs: number, sigma: number): Delay {
  return {
    draw: (dice) => medianMs * Math.exp(sigma * normal(dice)),
    survival: (x) => (x <= 0 ? 1 : normalSurvival(Math.log(x / medianMs) / sigma)),
  };
}

/** `share` of the delays come from a Pareto tail that begins at `fromMs`. */
export function withTail(body: Delay, share: number, fromMs: number, shape: number): Delay {
  return {
    draw: (dice) => (dice.next() < share ? fromMs * (1 - dice.next()) ** (-1 / shape) : body.draw(dice)),
    survival: (x) => (1 - share) * body.survival(x) + share * (x <= fromMs ? 1 : (fromMs / x) ** shape),
  };
}

/** Survival of the standard normal; Abramowitz and Stegun 26.2.17 in the body, the asymptotic series beyond. */
export function normalSurvival(z: number): number {
  if (z < 0) return 1 - normalSurvival(-z);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z > 6) return (density / z) * (1 - 1 / (z * z));
  const t = 1 / (1 + 0.2316419 * z);
  return (
    density * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  );
}
