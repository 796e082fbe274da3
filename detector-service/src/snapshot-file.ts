/**
 * The detector's learned state on disk: one file that is always whole.
 *
 * Written beside its place, flushed, then renamed into it, so that a crash leaves the old snapshot or the new
 * one. What is in it, and whether it can be believed, is the detector's to say.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces the snapshot at `path`. Rejects with the file system's error; the old one is then still there. */
export async function writeSnapshot(path: string, state: Uint8Array): Promise<void> {
  const beside = `${path}.new`;
  const file = await open(beside, 'w');
  try {
    await file.writeFile(state);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  await syncDirectory(dirname(path));
}

/** The snapshot at `path`; undefined when there is none. */
export async function readSnapshot(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Moves a snapshot that was refused out of the way, for whoever wants to look at it. Returns where it is now. */
export async function setAside(path: string): Promise<string> {
  const aside = `${path}.refused`;
  await rename(path, aside);
  return aside;
}

/** A rename is durable only once its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
