import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { coreFamilies } from './core-families.ts';
import { linkFamilies } from './link-families.ts';

/** What is played, and where the results go. */
export interface Run {
  /** What repeats it, the number of threads apart. */
  readonly command: string;
  readonly families: readonly string[];
  readonly seeds: number;
  readonly firstSeed: number;
  readonly scale: number;
  /** Baselines run on so many of the seeds. */
  readonly baselineSeeds: number;
  readonly threads: number;
  /** Folder for qos.md, qos.json and qos.svg; undefined prints the tables only. */
  readonly results: string | undefined;
}

const SEEDS = 20;
/** Baselines differ by factors, not by percents: a few seeds show them. */
const BASELINE_SEEDS = 3;

export const HELP = `npm run bench:qos -- [options]

Plays fleets with known truth against the detectors. Without options: the published size, and the results are
written to detector-service/bench/results. With any of the first five, the tables are printed and nothing is written.

  --family NAME,…      only these; blanks and commas in a name may be dashes
  --seeds N            fleets drawn per family (${SEEDS})
  --first-seed N       their seeds are N, N + 1, … (1)
  --scale X            multiplies the number of devices (1)
  --baseline-seeds N   how many of the seeds the other detectors run on too (${BASELINE_SEEDS})
  --threads N          (one per core)
  --results DIR        write the results there all the same
  --help               this

Families:
${[...Object.keys(linkFamilies), ...Object.keys(coreFamilies)].map((name) => `  ${dashed(name)}`).join('\n')}
`;

/** Undefined when help is asked for. Throws an error that says what is wrong. */
export function readCommandLine(args: readonly string[], published: string): Run | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      family: { type: 'string' },
      seeds: { type: 'string' },
      'first-seed': { type: 'string' },
      scale: { type: 'string' },
      'baseline-seeds': { type: 'string' },
      threads: { type: 'string' },
      results: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return undefined;
  const { family, seeds, scale, threads } = values;
  const tried = [family, seeds, values['first-seed'], scale, values['baseline-seeds']];
  const wholeRun = tried.every((value) => value === undefined);
  return {
    command: ['npm run bench:qos', ...(wholeRun ? [] : ['--', ...args])].join(' '),
    families: families(family),
    seeds: amount('seeds', seeds, SEEDS),
    firstSeed: amount('first-seed', values['first-seed'], 1),
    scale: amount('scale', scale, 1),
    baselineSeeds: amount('baseline-seeds', values['baseline-seeds'], BASELINE_SEEDS),
    threads: amount('threads', threads, availableParallelism()),
    results: values.results ?? (wholeRun ? published : undefined),
  };
}

function families(asked: string | undefined): string[] {
  const all = [...Object.keys(linkFamilies), ...Object.keys(coreFamilies)];
  if (asked === undefined) return all;
  return asked.split(',').map((part) => {
    const found = all.find((name) => dashed(name) === dashed(part));
    if (found === undefined)
      throw new Error(`--family ${part}: there is none; they are ${all.map(dashed).join(', ')}`);
    return found;
  });
}

function amount(flag: string, text: string | undefined, usual: number): number {
  const value = Number(text ?? usual);
  const whole = flag === 'scale' || Number.isInteger(value);
  const least = flag === 'baseline-seeds' ? 0 : Number.MIN_VALUE;
  if (!whole || !(value >= least) || value === Number.POSITIVE_INFINITY)
    throw new Error(`--${flag} ${text}: must be a ${flag === 'scale' ? '' : 'whole '}number above 0`);
  return value;
}

function dashed(name: string): string {
  return name.replaceAll(/[ ,]+/g, '-');
}
