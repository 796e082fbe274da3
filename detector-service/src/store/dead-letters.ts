/** Lines a server will never take, kept with its reason so that a person can mend and post them. */
import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface DeadLetter {
  readonly reason: string;
  readonly line: string;
}

/** Beyond this size the file is set aside, and replaces the one set aside before. */
const FILE_BYTES_MAX = 64 * 1_048_576;

export class DeadLetters {
  readonly path: string;

  constructor(directory: string) {
    this.path = join(directory, 'dead-letters.ndjson');
  }

  /** Durable when it resolves. */
  async add(letters: readonly DeadLetter[]): Promise<void> {
    const size = await stat(this.path).then(
      (file) => file.size,
      () => 0,
    );
    if (size > FILE_BYTES_MAX) await rename(this.path, `${this.path}.old`);
    const handle = await open(this.path, 'a', 0o640);
    try {
      await handle.appendFile(letters.map((letter) => `${JSON.stringify(letter)}\n`).join(''));
      await handle.datasync();
    } finally {
      await handle.close();
    }
  }
}
