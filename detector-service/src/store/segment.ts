/** Day segments on disk: their names, their torn ends, and reading them as a stream of whole lines. */
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from './durable-file.ts';
import { JOURNAL_START, type Position } from './position.ts';

const SUFFIX = '.lp';
const SEGMENT_NAME = /^\d{4}-\d{2}-\d{2}\.lp$/;
const NEWLINE = 10;

/** A line longer than this is none of ours but damage; reading skips it. */
const LINE_BYTES_MAX = 1_048_576;

export interface BatchLimits {
  readonly linesMax?: number;
  readonly bytesMax?: number;
  /** Only lines of these measurements; all of them unless given. Others cost next to nothing. */
  readonly measurements?: readonly string[] | undefined;
}

/** A run of whole lines; `end` is where the next one starts. */
export interface LineBatch {
  readonly lines: string[];
  readonly end: Position;
  /** Lines left out because they are damaged: known to be none of ours, or no line protocol at all. */
  readonly damaged: number;
}

/** A run of whole lines as they lie on the disk, the newline of the last one included. */
export interface Block {
  readonly bytes: Buffer;
  readonly start: Position;
  readonly end: Position;
  /** Damage that was skipped before it, as lines. */
  readonly damaged: number;
}

export function segmentPath(directory: string, segment: string): string {
  return join(directory, segment + SUFFIX);
}

/** Days that have a segment, the oldest first; none when there is no such directory. */
export async function listSegments(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => SEGMENT_NAME.test(name))
      .map((name) => name.slice(0, -SUFFIX.length))
      .sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Cuts off what follows the last newline: a line whose writing was interrupted. */
export async function healTail(path: string): Promise<{ size: number; tornBytes: number }> {
  const handle = await open(path, 'r+');
  try {
    const { size } = await handle.stat();
    const whole = await endOfLastLine(handle, size);
    if (whole < size) {
      await handle.truncate(whole);
      await handle.sync();
    }
    return { size: whole, tornBytes: size - whole };
  } finally {
    await handle.close();
  }
}

async function endOfLastLine(handle: FileHandle, size: number): Promise<number> {
  const block = Buffer.alloc(65_536);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const { bytesRead } = await handle.read(block, 0, end - start, start);
    const newline = block.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}

/** Reads whole lines from one position to another; a line still being written is left for later. */
export async function* readLines(
  directory: string,
  from?: Position,
  to?: Position,
  limits: BatchLimits = {},
): AsyncGenerator<LineBatch> {
  const { linesMax = 10_000, measurements } = limits;
  for await (const block of readBlocks(directory, from, to, limits.bytesMax)) {
    if (measurements !== undefined) {
      yield { lines: linesOf(block.bytes, measurements), end: block.end, damaged: block.damaged };
      continue;
    }
    let damaged = block.damaged;
    for (const { bytes, end } of piecesOf(block, linesMax)) {
      yield { lines: bytes.toString('utf8', 0, bytes.length - 1).split('\n'), end, damaged };
      damaged = 0;
    }
  }
}

/** Reads whole lines as bytes, in pieces of about `bytesMax`. */
export async function* readBlocks(
  directory: string,
  from: Position = JOURNAL_START,
  to?: Position,
  bytesMax = 262_144,
): AsyncGenerator<Block> {
  for (const segment of await listSegments(directory)) {
    if (segment < from.segment || (to !== undefined && segment > to.segment)) continue;
    const start = segment === from.segment ? from.offset : 0;
    const end = segment === to?.segment ? to.offset : Number.MAX_SAFE_INTEGER;
    const handle = await openSegment(directory, segment);
    if (handle === undefined) continue;
    try {
      yield* segmentBlocks(handle, segment, start, end, bytesMax);
    } finally {
      await handle.close();
    }
  }
}

/** Undefined when there is none any more: its retention may have ended since the directory was listed. */
export async function openSegment(directory: string, segment: string): Promise<FileHandle | undefined> {
  try {
    return await open(segmentPath(directory, segment), 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Whole lines between two offsets of a segment. A line that is too long to be ours is skipped. */
export async function* segmentBlocks(
  handle: FileHandle,
  segment: string,
  start: number,
  end: number,
  bytesMax = 262_144,
): AsyncGenerator<Block> {
  let offset = start;
  let rest: Buffer = Buffer.alloc(0);
  let isInDamage = false;
  for (;;) {
    const wanted = Math.max(0, Math.min(bytesMax, end - offset - rest.length));
    const room = Buffer.allocUnsafe(rest.length + wanted);
    rest.copy(room);
    const { bytesRead } = await handle.read(room, rest.length, wanted, offset + rest.length);
    if (bytesRead === 0) return;
    const read = room.subarray(0, rest.length + bytesRead);
    const whole = read.lastIndexOf(NEWLINE) + 1;
    rest = read.subarray(whole);
    if (whole > 0) {
      const first = isInDamage ? read.indexOf(NEWLINE) + 1 : 0;
      const damaged = Number(isInDamage);
      isInDamage = false;
      yield {
        bytes: read.subarray(first, whole),
        start: { segment, offset: offset + first },
        end: { segment, offset: offset + whole },
        damaged,
      };
      offset += whole;
    }
    if (rest.length > LINE_BYTES_MAX) {
      offset += rest.length;
      rest = rest.subarray(rest.length);
      isInDamage = true;
    }
  }
}

/** The lines of some measurements; others are passed over without being taken apart. */
export function linesOf(block: Buffer, measurements: readonly string[]): string[] {
  const lines: string[] = [];
  const needles = measurements.flatMap((name) => [`${name},`, `${name} `]).map((text) => Buffer.from(text));
  const next = needles.map((needle) => lineStart(block, needle, 0));
  for (;;) {
    let start = block.length;
    for (const candidate of next) if (candidate < start) start = candidate;
    if (start === block.length) return lines;
    const end = block.indexOf(NEWLINE, start);
    lines.push(block.toString('utf8', start, end));
    for (const [index, needle] of needles.entries()) {
      if ((next[index] as number) <= start) next[index] = lineStart(block, needle, end + 1);
    }
  }
}

/** Where the next line begins with `needle`, from the beginning of a line on; the block's length for nowhere. */
function lineStart(block: Buffer, needle: Buffer, from: number): number {
  for (let at = block.indexOf(needle, from); at >= 0; at = block.indexOf(needle, at + 1)) {
    if (at === 0 || block[at - 1] === NEWLINE) return at;
  }
  return block.length;
}

/** Some whole lines as bytes, and how many they are. */
export interface Piece {
  readonly bytes: Buffer;
  readonly lines: number;
  readonly end: Position;
}

/** Cuts a block so that no piece has more than so many lines. */
export function* piecesOf({ bytes, start }: Block, linesMax: number): Generator<Piece> {
  for (let from = 0; from < bytes.length; ) {
    let to = from;
    let lines = 0;
    for (; lines < linesMax && to < bytes.length; lines++) to = bytes.indexOf(NEWLINE, to) + 1;
    yield { bytes: bytes.subarray(from, to), lines, end: { ...start, offset: start.offset + to } };
    from = to;
  }
}
