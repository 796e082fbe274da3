/** Recognising the lines of one device. */
import { COMMA, deviceTag, lineKey, nextBare, SPACE, seriesHash } from './line-key.ts';
import { escapeTag } from './line-protocol.ts';

export interface SeriesWanted {
  /** Devices of that name in all classes unless one is given. */
  readonly deviceClass?: string | undefined;
  readonly device: string;
  readonly measurements: readonly string[];
}

const NEWLINE = 10;

export class SeriesLines {
  /** One for each measurement; other series may have the same. */
  readonly hashes: readonly number[];
  readonly #beginnings: readonly Buffer[];
  readonly #class: Buffer | undefined;
  readonly #device: Buffer;

  constructor({ deviceClass, device, measurements }: SeriesWanted) {
    this.hashes = measurements.map((measurement) => seriesHash(measurement, device));
    this.#beginnings = measurements.map((measurement) => Buffer.from(`${measurement},class=`));
    this.#class = deviceClass === undefined ? undefined : Buffer.from(escapeTag(deviceClass));
    this.#device = Buffer.from(deviceTag(device));
  }

  /** Where they begin in a block of whole lines, in order. */
  *startsIn(block: Buffer): Generator<number> {
    for (let at = block.indexOf(this.#device); at >= 0; at = block.indexOf(this.#device, at)) {
      const start = at === 0 ? 0 : block.lastIndexOf(NEWLINE, at) + 1;
      if (this.has(block, start)) yield start;
      at = block.indexOf(NEWLINE, at);
    }
  }

  /** True when the line that begins at `start` is one of them, and not one of a longer name. */
  has(block: Buffer, start: number): boolean {
    const beginning = this.#beginnings.find((some) => standsAt(block, start, some));
    if (beginning === undefined) return false;
    const classStart = start + beginning.length;
    const classEnd = nextBare(block, classStart, COMMA);
    if (this.#class !== undefined) {
      if (classEnd - classStart !== this.#class.length || !standsAt(block, classStart, this.#class))
        return false;
    }
    const after = block[classEnd + this.#device.length];
    return standsAt(block, classEnd, this.#device) && (after === COMMA || after === SPACE);
  }

  /** True when a line is not one of them, but has the same hash as they. */
  isLike(line: Buffer, measurement: number): boolean {
    const key = { end: 0, hash: 0 };
    return lineKey(line, 0, line.length, key) && key.hash === this.hashes[measurement];
  }
}

function standsAt(block: Buffer, start: number, bytes: Buffer): boolean {
  return (
    start + bytes.length <= block.length &&
    block.compare(bytes, 0, bytes.length, start, start + bytes.length) === 0
  );
}
