/** The directory of one broker: locked while it runs, with a file for each thing that outlives it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lockDirectory } from './directory-lock.ts';
import { BrokerError } from './errors.ts';

/** Something with a state on disk. */
export interface Kept {
  /** Takes up what the file holds, and keeps everything there from now on; returns the number of damaged lines. */
  open(path: string, onTrouble: (error: Error) => void): Promise<number>;
  /** What changes after this is not written any more. */
  close(): Promise<void>;
}

export class BrokerDirectory {
  readonly #kept: readonly Kept[];
  readonly #unlock: () => Promise<void>;

  /**
   * `onTrouble` is told of lines that were damaged and left out, and of what cannot be written later.
   * @throws BrokerError `directory-unusable`.
   */
  static async open(
    directory: string,
    files: Readonly<Record<string, Kept>>,
    onTrouble: (detail: string) => void,
  ): Promise<BrokerDirectory> {
    let unlock = async (): Promise<void> => {};
    try {
      await mkdir(directory, { recursive: true, mode: 0o750 });
      unlock = await lockDirectory(directory);
      for (const [name, kept] of Object.entries(files)) {
        const damaged = await kept.open(join(directory, name), ({ message }) =>
          onTrouble(`${name}: ${message}`),
        );
        if (damaged > 0) onTrouble(`${name}: ${damaged} damaged lines are left out`);
      }
    } catch (cause) {
      await unlock();
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `${directory} cannot hold the broker's sessions: ${why}`;
      throw new BrokerError('directory-unusable', message, { cause });
    }
    return new BrokerDirectory(Object.values(files), unlock);
  }

  private constructor(kept: readonly Kept[], unlock: () => Promise<void>) {
    this.#kept = kept;
    this.#unlock = unlock;
  }

  async close(): Promise<void> {
    await Promise.all(this.#kept.map((one) => one.close()));
    await this.#unlock();
  }
}
