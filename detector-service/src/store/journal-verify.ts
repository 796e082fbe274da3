/** Reads every line of a journal and says what is wrong with it; nothing is locked or changed. */
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { hasControl } from './line-key.ts';
import { parsePoint } from './line-protocol.ts';
import { listSegments, openSegment, segmentBlocks } from './segment.ts';
import { SegmentIndex } from './segment-index.ts';

export interface Damage {
  /** Offset of the line in the segment. */
  readonly offset: number;
  readonly reason: string;
}

export interface SegmentReport {
  readonly segment: string;
  readonly bytes: number;
  readonly lines: number;
  readonly damagedLines: number;
  /** The first few of them. */
  readonly damage: readonly Damage[];
  /** Bytes behind the last newline: a line that is being written, or whose writing was interrupted. */
  readonly tornBytes: number;
  /**
   * `none`; `behind`: it does not reach the end, which is read instead; `differs`: the segment has changed since it was
   * indexed; `whole`.
   */
  readonly index: 'none' | 'behind' | 'differs' | 'whole';
}

const DAMAGE_SHOWN_MAX = 20;
const NEWLINE = 10;

/** Segment by segment, the oldest first. @throws what the file system says */
export async function* verifyJournal(directory: string): AsyncGenerator<SegmentReport> {
  for (const segment of await listSegments(directory)) {
    const handle = await openSegment(directory, segment);
    if (handle === undefined) continue;
    try {
      yield await verifySegment(directory, segment, handle);
    } finally {
      await handle.close();
    }
  }
}

async function verifySegment(directory: string, segment: string, handle: FileHandle): Promise<SegmentReport> {
  const { size } = await handle.stat();
  const damage: Damage[] = [];
  let [lines, damagedLines, end] = [0, 0, 0];
  const note = (offset: number, reason: string): void => {
    damagedLines++;
    if (damage.length < DAMAGE_SHOWN_MAX) damage.push({ offset, reason });
  };
  for await (const { bytes, start, damaged, end: blockEnd } of segmentBlocks(handle, segment, 0, size)) {
    if (damaged > 0) note(end, 'longer than any line of ours');
    for (let from = 0; from < bytes.length; ) {
      const to = bytes.indexOf(NEWLINE, from);
      const reason = problemOf(bytes.subarray(from, to));
      if (reason !== undefined) note(start.offset + from, reason);
      lines++;
      from = to + 1;
    }
    end = blockEnd.offset;
  }
  const index = await indexState(directory, segment, handle, end);
  return { segment, bytes: size, lines, damagedLines, damage, tornBytes: size - end, index };
}

function problemOf(line: Buffer): string | undefined {
  if (line.length === 0) return 'empty';
  if (hasControl(line)) return 'control characters';
  return parsePoint(line.toString('utf8')) === undefined ? 'no line protocol' : undefined;
}

async function indexState(
  directory: string,
  segment: string,
  handle: FileHandle,
  end: number,
): Promise<SegmentReport['index']> {
  await using index = await SegmentIndex.open(directory, segment);
  if (index === undefined) return 'none';
  for (const { header } of index.chunks) {
    let crc = 0;
    for await (const { bytes } of segmentBlocks(handle, segment, header.from, header.to))
      crc = crc32(bytes, crc);
    if (crc !== header.contentCrc) return 'differs';
  }
  return index.to < end ? 'behind' : 'whole';
}
