/** Programs that tests run and that a machine may lack. */
import { spawnSync } from 'node:child_process';

/**
 * For `node:test`'s `skip`: false when `program` is there, otherwise why the test is skipped. With CI=true nothing
 * is skipped, so that a machine that lacks it fails instead of looking green.
 */
export function skipWithout(program: string): string | false {
  if (process.env.CI === 'true') return false;
  const found = spawnSync(program, ['--help'], { stdio: 'ignore' }).error === undefined;
  return found ? false : `${program} is not on PATH`;
}
