/** A generation that needs no clock: the number of boots, kept in a file. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { DeviceError } from './errors.ts';

/**
 * Counts this boot in `file` and returns the count, from 1. Call it once per start of the program and pass the
 * result as `generation`: small, hence cheap on the wire, and right on devices that wake up in 1970.
 *
 * A power failure at any instant leaves either the old count or the new one: the new one is written beside the
 * file and renamed over it. When the count never reached the disk, no beat of that boot was sent either.
 *
 * @throws DeviceError `boot-counter` when the file holds something else or cannot be written. A counter that
 * started over would be taken for an older boot, so it is never done silently.
 */
export function bootCounter(file: string): number {
  const boots = lastBoot(file) + 1;
  try {
    const beside = `${file}.new`;
    writeDurably(beside, `${boots}\n`);
    renameSync(beside, file);
    syncDirectory(dirname(file));
  } catch (cause) {
    throw new DeviceError('boot-counter', `cannot count this boot in ${file}: ${(cause as Error).message}`, {
      cause,
    });
  }
  return boots;
}

function lastBoot(file: string): number {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw new DeviceError('boot-counter', `cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  const boots = /^\d{1,15}\n?$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(boots)) {
    throw new DeviceError(
      'boot-counter',
      `${file} holds no boot count; write a number larger than any generation this device has used, such as the present epoch seconds`,
    );
  }
  return boots;
}

function writeDurably(file: string, text: string): void {
  const descriptor = openSync(file, 'w', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Without it the rename itself may be lost. Windows cannot open a directory; there it is left to the system. */
function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
