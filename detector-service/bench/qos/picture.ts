/** Results as a picture: a panel for each family of links and rhythms. */
import { type Plot, plotGridSvg } from '@slowbeat/detector-service/replay';
import type { LinkResult, Results } from './results.ts';
import type { CurvePoint } from './score.ts';

export function pictureSvg({ links, seeds, baselineSeeds }: Results): string {
  const fleets = `${seeds} fleets each for adaptive, oracle and fixed multiples, ${baselineSeeds} for the others`;
  return plotGridSvg(`Detection time against false alarms: ${fleets}`, links.map(panel));
}

function panel({ family, budget, detectors, oracle, multiples }: LinkResult): Plot {
  return {
    title: family,
    budget,
    series: [
      ...detectors.map((one) => ({ name: one.name, points: points([one]), style: 'mark' as const })),
      { name: 'oracle', points: points(oracle), style: 'line' },
      { name: 'fixed multiples', points: points(multiples), style: 'line' },
    ],
  };
}

/** A line ends where there are no false alarms any more: a logarithm has no zero. A mark does not. */
function points(curve: readonly CurvePoint[]) {
  return curve
    .filter(({ perYear }) => curve.length === 1 || perYear > 0)
    .map(({ perYear, detection }) => ({
      falseAlarmsPerDeviceYear: perYear,
      detectionIntervals: detection,
    }));
}
