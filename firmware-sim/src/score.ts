/** An evaluation in numbers, per class and over all. */
import type { Evaluation } from './evaluate.ts';

export interface Score {
  /** Absent in the row over all classes. */
  readonly deviceClass?: string | undefined;
  readonly deaths: number;
  readonly detected: number;
  /** Deaths that were over before anybody could tell. */
  readonly unnoticed: number;
  /** Deaths that went on to the window's end without being called so. */
  readonly undetected: number;
  /** Called dead while alive and able to speak: the detector's own mistakes. */
  readonly falseDeaths: number;
  /** Called dead while alive behind a link that was down. */
  readonly falseDeathsWithoutLink: number;
  readonly recoveries: number;
  /** From death to the verdict's instant, over the detected deaths. */
  readonly detectionMs?: Quantiles | undefined;
  /** From return to the verdict's instant, over the recoveries. */
  readonly recoveryMs?: Quantiles | undefined;
}

export interface Quantiles {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

/** One row per class that anything happened to, in alphabetical order, then the row over all. */
export function score(evaluation: Evaluation): Score[] {
  const { deaths, falseDeaths, recoveries } = evaluation;
  const classes = new Set([...deaths, ...falseDeaths, ...recoveries].map((one) => one.deviceClass));
  const rows = [...classes].sort().map((deviceClass) => {
    const own = <T extends { deviceClass: string }>(all: readonly T[]): T[] =>
      all.filter((one) => one.deviceClass === deviceClass);
    return {
      deviceClass,
      ...sum({ deaths: own(deaths), falseDeaths: own(falseDeaths), recoveries: own(recoveries) }),
    };
  });
  return [...rows, sum(evaluation)];
}

function sum({ deaths, falseDeaths, recoveries }: Evaluation): Score {
  const count = (outcome: string): number => deaths.filter((death) => death.outcome === outcome).length;
  const withoutLink = falseDeaths.filter((one) => one.linkDown).length;
  return {
    deaths: deaths.length,
    detected: count('detected'),
    unnoticed: count('unnoticed'),
    undetected: count('undetected'),
    falseDeaths: falseDeaths.length - withoutLink,
    falseDeathsWithoutLink: withoutLink,
    recoveries: recoveries.length,
    detectionMs: quantiles(deaths.flatMap((death) => death.detectionMs ?? [])),
    recoveryMs: quantiles(recoveries.map((recovery) => recovery.lagMs)),
  };
}

/** Quantiles by nearest rank; undefined of nothing. */
function quantiles(values: readonly number[]): Quantiles | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (q: number): number => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] as number;
  const total = sorted.reduce((sum, value) => sum + value, 0);
  return { mean: total / sorted.length, p50: rank(0.5), p95: rank(0.95), max: rank(1) };
}
