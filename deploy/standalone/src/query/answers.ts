/** Ways in which questions about the past end. */
import { writeFile } from 'node:fs/promises';
import type { TimeZone, Window } from '@slowbeat/detector-service/uptime';
import { CommandError, UsageError } from '../exit-codes.ts';
import type { QueryFlags } from './options.ts';

/** Nobody fits the selection. Says what was asked for, because a slip of the pen is the likeliest cause. */
export function nobodyKnown(flags: QueryFlags, { from, to }: Window, zone: TimeZone): CommandError {
  const given = Object.entries({ device: flags.device, class: flags.class, site: flags.site });
  const asked = given.flatMap(([name, value]) => (value === undefined ? [] : `--${name} ${value}`));
  const when = `between ${zone.format(from)} and ${zone.format(to)}`;
  if (asked.length === 0) return new CommandError(`no device was known there ${when}`);
  return new CommandError(
    `no device that fits ${asked.join(' ')} was known there ${when}; slowbeat uptime without it shows who was`,
  );
}

/** Writes an answer into the file that a flag names. @throws UsageError when that cannot be. */
export async function writeAnswer(flag: string, path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new UsageError(`${flag} ${path}: cannot be written: ${(error as Error).message}`, error);
  }
}
