/** Lines a server will never take, kept with its reason so that a person can mend and post them. */
import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoreMissing } from './durable-file.ts';

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

  /** How many there are for each reason, the most frequent first; those of the file set aside included. */
  async byReason(): Promise<{ reason: string; lines: number }[]> {
    const counts = new Map<string, number>();
    for (const path of [`${this.path}.old`, this.path]) {
      const file = await open(path, 'r').catch(ignoreMissing);
      if (file === undefined) continue;
      for await (const text of file.readLines()) {
        const reason = reasonOf(text);
        counts.set(reason, (counts.get(reason) ?? 0) + 1);
      }
    }
    return [...counts]
      .map(([reason, lines]) => ({ reason, lines }))
      .sort((one, other) => other.lines - one.lines);
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

/** A reason often quotes the line it is about; without that, like reasons are one. */
function reasonOf(text: string): string {
  try {
    const { reason } = JSON.parse(text) as Partial<DeadLetter>;
    return String(reason)
      .replace(/'[^']*'/g, "'…'")
      .slice(0, 120);
  } catch {
    return 'cut off';
  }
}
