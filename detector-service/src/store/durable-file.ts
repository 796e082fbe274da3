/** Small files that are either the old or the new one after a power failure, and never half of each. */
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces a file atomically and durably: written beside it, fsynced, renamed over it. */
export function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  return replaceFileInPieces(path, [content]);
}

/**
 * The same with pieces that are made one by one while others run in between.
 * @param ready is waited for before the new file takes the place of the old one
 */
export async function replaceFileInPieces(
  path: string,
  pieces: Iterable<string | Uint8Array>,
  ready: () => Promise<void> = async () => {},
): Promise<void> {
  const fresh = `${path}.new`;
  const handle = await open(fresh, 'w', 0o640);
  try {
    for (const piece of pieces) await handle.appendFile(piece);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await ready();
  await rename(fresh, path);
  await syncDirectory(dirname(path));
}

/** Makes new, renamed and deleted names in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** For what is gone already when it is to be removed. */
export function ignoreMissing(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT')) throw error;
}
