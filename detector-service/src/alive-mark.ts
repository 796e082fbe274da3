/**
 * The last instant at which this monitor is known to have run, in a file that is rewritten each second: after a
 * SIGKILL it tells since when nobody listened.
 *
 * One line of fixed length, written in place and not fsynced: a killed process leaves its writes to the kernel,
 * and after a power cut an older mark only makes the blind time longer than it was.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { hasCode } from './store/durable-file.ts';

const DIGITS = 15;
const LINE = /^(\d{15})\n$/;

/** The mark left by the run before; undefined when there is none or it cannot be read as one. */
export async function readAliveMark(path: string): Promise<number | undefined> {
  try {
    const [, digits] = LINE.exec(await readFile(path, 'latin1')) ?? [];
    return digits === undefined ? undefined : Number(digits);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

export class AliveMark implements AsyncDisposable {
  readonly #file: FileHandle;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Opens the file for writing; the mark in it stays until the first `set`. */
  static async open(path: string): Promise<AliveMark> {
    return new AliveMark(await open(path, 'a').then((file) => file.close().then(() => open(path, 'r+'))));
  }

  /** Resolves when written, or rejects with the file system's error. */
  set(at: number): Promise<void> {
    const line = `${String(at).padStart(DIGITS, '0')}\n`;
    const written = this.#writing.then(async () => void (await this.#file.write(line, 0, 'latin1')));
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }
}
