/**
 * One writer per directory, across processes and containers.
 *
 * The lock file names its owner. A process id alone would not do: in a container the service is process 1 in every
 * life, so the owner also tells when it started, as the kernel counts it.
 */
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { hasCode, ignoreMissing } from './durable-file.ts';
import { StoreError } from './errors.ts';

interface Owner {
  readonly pid: number;
  /** Kernel ticks between boot and the start of the process; empty where there is no /proc. */
  readonly started: string;
  readonly boot: string;
}

/** Locks that this very process holds, which the owner's name cannot tell from those of a former life. */
const held = new Set<string>();

/**
 * Takes the lock; a lock whose owner is no longer alive is taken over.
 * @returns what gives it back.
 * @throws StoreError `journal-locked`, naming the process that holds it.
 */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  const key = resolve(path);
  if (held.has(key)) throw new StoreError('journal-locked', `${key} is held by this process already`);
  held.add(key);
  try {
    await claim(key, await ownerOf(process.pid));
  } catch (error) {
    held.delete(key);
    throw error;
  }
  return async () => {
    await unlink(key).catch(ignoreMissing);
    held.delete(key);
  };
}

async function claim(path: string, self: Owner): Promise<void> {
  const mine = `${path}.${self.pid}`;
  await writeFile(mine, `${JSON.stringify(self)}\n`);
  try {
    // A link appears with its content or not at all, so nobody ever reads a lock that does not name its owner.
    for (;;) {
      try {
        return await link(mine, path);
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw error;
      }
      const holder = await readOwner(path);
      if (holder !== undefined && (await isAlive(holder))) {
        throw new StoreError(
          'journal-locked',
          `${path} is held by process ${holder.pid}: stop it, or give this one a directory of its own`,
        );
      }
      await removeStale(path, `${mine}.stale`);
    }
  } finally {
    await unlink(mine).catch(ignoreMissing);
  }
}

/** Removes the lock of a dead process, but not the one that somebody else put in its place a moment ago. */
async function removeStale(path: string, aside: string): Promise<void> {
  await rename(path, aside).catch(ignoreMissing);
  const owner = await readOwner(aside);
  if (owner !== undefined && (await isAlive(owner))) await link(aside, path);
  await unlink(aside).catch(ignoreMissing);
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

async function isAlive(owner: Owner): Promise<boolean> {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
  const now = await ownerOf(owner.pid);
  // Without /proc our own id means a former life: what this one holds was looked up before.
  if (owner.boot === '' || now.boot === '') return owner.pid !== process.pid;
  return now.boot === owner.boot && now.started === owner.started;
}

async function ownerOf(pid: number): Promise<Owner> {
  try {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The program's name, in brackets, may hold blanks; the start time is the 20th field behind it.
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return { pid, started, boot };
  } catch {
    return { pid, started: '', boot: '' };
  }
}
