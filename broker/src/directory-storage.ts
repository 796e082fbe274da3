/** The directory of one broker: a file for each thing that outlives it. */
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { lockDirectory } from './directory-lock.ts';
import type { RecordPlace, Storage } from './storage.ts';

/**
 * Makes the directory where there is none.
 * @throws what the file system says, or that another broker has it.
 */
export async function openDirectory(directory: string): Promise<Storage> {
  await mkdir(directory, { recursive: true, mode: 0o750 });
  const unlock = await lockDirectory(directory);
  return {
    place: (name) => new RecordFile(join(directory, name)),
    isShared: false, // the lock is this process's for as long as it lives
    confirm: async () => {},
    release: unlock,
  };
}

/** Only its user and group may read it: it holds payloads. */
const MODE = 0o640;

export class RecordFile implements RecordPlace {
  readonly #path: string;
  #file: FileHandle | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async *read(): AsyncGenerator<string> {
    try {
      yield* createReadStream(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  async append(text: string, lasting: boolean): Promise<void> {
    this.#file ??= await open(this.#path, 'a', MODE);
    await this.#file.appendFile(text);
    if (lasting) await this.#file.datasync();
  }

  async replace(pieces: Iterable<string>): Promise<number> {
    const fresh = await open(`${this.#path}.new`, 'w', MODE);
    let bytes = 0;
    try {
      for (const piece of pieces) {
        const buffer = Buffer.from(piece);
        await fresh.appendFile(buffer);
        bytes += buffer.length;
      }
      await fresh.sync();
      await rename(`${this.#path}.new`, this.#path);
    } catch (error) {
      await fresh.close();
      await unlink(`${this.#path}.new`); // on a full disk it would take what is left of it
      throw error;
    }
    const old = this.#file;
    this.#file = fresh;
    await old?.close();
    await syncDirectory(dirname(this.#path));
    return bytes;
  }

  /** A file is not emptied behind its owner's back. */
  whenForgotten(): void {}

  async close(): Promise<void> {
    await this.#file?.datasync();
    await this.#file?.close();
  }
}

/** Makes a new name in a directory durable. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
