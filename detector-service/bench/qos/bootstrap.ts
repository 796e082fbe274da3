import { random } from './random.ts';

export interface Estimate {
  readonly value: number;
  /** 95 % interval over seeds. */
  readonly low: number;
  readonly high: number;
}

const DRAWS = 400;

/** A statistic over seeds with its 95 % interval, by drawing seeds with replacement (Efron 1979). */
export function estimate<T>(outcomes: readonly T[], statistic: (drawn: readonly T[]) => number): Estimate {
  const dice = random(1, 99);
  const draws = Array.from({ length: DRAWS }, () =>
    statistic(outcomes.map(() => outcomes[Math.floor(dice.next() * outcomes.length)] as T)),
  ).sort((a, b) => a - b);
  const at = (share: number): number => draws[Math.floor(share * (DRAWS - 1))] as number;
  return { value: statistic(outcomes), low: at(0.025), high: at(0.975) };
}

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
export const mean = (values: readonly number[]): number => sum(values) / values.length;
