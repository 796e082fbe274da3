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
}

/** A run of whole lines; `end` is where the next one starts. */
export interface LineBatch {
  readonly lines: string[];
  readonly end: Position;
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
  from: Position = JOURNAL_START,
  to?: Position,
  limits: BatchLimits = {},
): AsyncGenerator<LineBatch> {
  for (const segment of await listSegments(directory)) {
    if (segment < from.segment || (to !== undefined && segment > to.segment)) continue;
    const start = segment === from.segment ? from.offset : 0;
    const end = segment === to?.segment ? to.offset : Number.MAX_SAFE_INTEGER;
    let handle: FileHandle;
    try {
      handle = await open(segmentPath(directory, segment), 'r');
    } catch (error) {
      if (hasCode(error, 'ENOENT')) continue; // its retention ended since the directory was listed
      throw error;
    }
    try {
      yield* readSegment(handle, segment, start, end, limits);
    } finally {
      await handle.close();
    }
  }
}

async function* readSegment(
  handle: FileHandle,
  segment: string,
  start: number,
  end: number,
  { linesMax = 10_000, bytesMax = 262_144 }: BatchLimits,
): AsyncGenerator<LineBatch> {
  let offset = start;
  let rest: Buffer = Buffer.alloc(0);
  let isDamaged = false;
  for (;;) {
    const wanted = Math.min(bytesMax, end - offset - rest.length);
    const room = Buffer.allocUnsafe(rest.length + Math.max(wanted, 0));
    rest.copy(room);
    const { bytesRead } = await handle.read(
      room,
      rest.length,
      room.length - rest.length,
      offset + rest.length,
    );
    if (bytesRead === 0) return;
    const block = room.subarray(0, rest.length + bytesRead);
    let cut = 0;
    while (cut < block.length) {
      const next = endOfLines(block, cut, linesMax);
      if (next === cut) break;
      const lines = block.toString('utf8', cut, next - 1).split('\n');
      if (isDamaged) lines.shift();
      isDamaged = false;
      offset += next - cut;
      cut = next;
      yield { lines, end: { segment, offset } };
    }
    rest = block.subarray(cut);
    if (rest.length > LINE_BYTES_MAX) {
      offset += rest.length;
      rest = rest.subarray(rest.length);
      isDamaged = true;
    }
  }
}

/** Offset behind at most `linesMax` whole lines from `start`; `start` itself when there is none. */
function endOfLines(block: Buffer, start: number, linesMax: number): number {
  let end = start;
  for (let lines = 0; lines < linesMax; lines++) {
    const newline = block.indexOf(NEWLINE, end);
    if (newline < 0) break;
    end = newline + 1;
  }
  return end;
}
