/** Keeps the segments' indexes up with the journal, behind its back: nobody ever waits for an index. */
import type { Logger } from 'pino';
import type { Position } from './position.ts';
import { listSegments, openSegment } from './segment.ts';
import { extendIndex, STRETCH_BYTES } from './segment-index.ts';

export class IndexKeeper {
  readonly #directory: string;
  readonly #logger: Logger;
  #end: Position | undefined;
  /** Newest segment whose index is complete. */
  #doneTo = '';
  #startedAt = 0;
  #working: Promise<void> | undefined;
  #isDue = false;
  #isClosed = false;

  constructor(directory: string, logger: Logger) {
    this.#directory = directory;
    this.#logger = logger;
  }

  /** Whole lines lie on the disk up to `end`. */
  grownTo(end: Position): void {
    const isNewSegment = this.#end?.segment !== end.segment;
    this.#end = end;
    if (isNewSegment) this.#startedAt = 0;
    else if (end.offset - this.#startedAt < STRETCH_BYTES) return;
    this.#startedAt = end.offset;
    this.#isDue = true;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#working;
  }

  async #work(): Promise<void> {
    try {
      while (this.#isDue) {
        this.#isDue = false;
        for (const segment of await listSegments(this.#directory)) {
          if (this.#isClosed) return;
          if (segment > this.#doneTo) await this.#extend(segment);
        }
      }
    } catch (error) {
      this.#logger.warn({ err: error }, 'journal: cannot write an index; reading is slower without');
    }
  }

  async #extend(segment: string): Promise<void> {
    const end = this.#end as Position;
    const isClosed = segment < end.segment;
    const handle = await openSegment(this.#directory, segment);
    if (handle === undefined) return;
    try {
      const to = isClosed ? (await handle.stat()).size : segment === end.segment ? end.offset : 0;
      await extendIndex(this.#directory, segment, handle, to, isClosed ? 1 : STRETCH_BYTES);
      if (isClosed) this.#doneTo = segment;
    } finally {
      await handle.close();
    }
  }
}
