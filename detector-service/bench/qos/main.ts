/** `npm run bench:qos -- --help`: detectors on fleets whose truth is known, beside an oracle and hindsight. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HELP, type Run, readCommandLine } from './command-line.ts';
import type { Job } from './job.ts';
import { linkFamilies } from './link-families.ts';
import { pictureSvg } from './picture.ts';
import { performAll } from './pool.ts';
import { type Results, resultsOf } from './results.ts';
import { markdown, tables } from './tables.ts';

const PUBLISHED = fileURLToPath(new URL('../../results', import.meta.url));

function jobs({ families, seeds, firstSeed, scale, baselineSeeds }: Run): Job[] {
  return families.flatMap((family) =>
    Array.from({ length: seeds }, (_, nth) => ({
      family,
      seed: firstSeed + nth,
      scale,
      compares: nth < baselineSeeds && family in linkFamilies,
    })),
  );
}

async function play(run: Run): Promise<Results> {
  const wanted = jobs(run);
  const startedAt = performance.now();
  const outcomes = await performAll(wanted, run.threads, (done) => {
    const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
    if (done % 10 === 0) process.stderr.write(`${done} of ${wanted.length} fleets, ${minutes} min\n`);
  });
  return resultsOf(run, wanted, outcomes);
}

function write(results: Results, folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'qos.md'), markdown(results));
  const json = JSON.stringify(results, (_, value) => (typeof value === 'number' ? rounded(value) : value), 1);
  writeFileSync(join(folder, 'qos.json'), `${json}\n`);
  writeFileSync(join(folder, 'qos.svg'), pictureSvg(results));
}

/** Five digits are more than chance allows. */
function rounded(value: number): number {
  return Number(value.toPrecision(5));
}

function asked(): Run | 'help' {
  try {
    return readCommandLine(process.argv.slice(2), PUBLISHED) ?? 'help';
  } catch (error) {
    process.stderr.write(`bench:qos: ${(error as Error).message}\n`);
    process.exit(2);
  }
}

const run = asked();
if (run === 'help') process.stdout.write(HELP);
else {
  const results = await play(run);
  process.stdout.write(tables(results));
  if (run.results !== undefined) write(results, run.results);
}
