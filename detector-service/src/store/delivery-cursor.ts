/** How far a target has been given the journal. One small file per target, so that each gets all of it once. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, replaceFile } from './durable-file.ts';
import { describeTarget, type InfluxTarget, targetId } from './influx-target.ts';
import { JOURNAL_START, type Position } from './position.ts';

export class DeliveryCursor {
  readonly #path: string;
  readonly #target: string;

  constructor(directory: string, target: InfluxTarget) {
    this.#path = join(directory, `delivered-${targetId(target)}.json`);
    this.#target = describeTarget(target);
  }

  /** The start of the journal for a target that was never given anything; sending twice does no harm. */
  async load(): Promise<Position> {
    try {
      const { segment, offset } = JSON.parse(await readFile(this.#path, 'utf8')) as Partial<Position>;
      return typeof segment === 'string' && Number.isSafeInteger(offset)
        ? { segment, offset: offset as number }
        : JOURNAL_START;
    } catch (error) {
      if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return JOURNAL_START;
      throw error;
    }
  }

  async save(position: Position): Promise<void> {
    await replaceFile(this.#path, `${JSON.stringify({ target: this.#target, ...position })}\n`);
  }
}
