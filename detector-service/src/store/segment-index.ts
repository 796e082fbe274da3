/**
 * The index of a segment: chunks one behind the other, each about the next stretch of it. Whatever of it is missing or
 * damaged, the segment itself is read instead; the index only saves time.
 */
import { type FileHandle, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from './durable-file.ts';
import {
  ChunkBuilder,
  type ChunkHeader,
  chunkBytes,
  HEADER_BYTES,
  type LinePlace,
  placesOf,
  readHeader,
} from './index-chunk.ts';
import { segmentBlocks } from './segment.ts';

/** A stretch of a segment that gets a chunk of its own: what is not indexed yet is never much more than this. */
export const STRETCH_BYTES = 32 * 1_048_576;

export function indexPath(directory: string, segment: string): string {
  return join(directory, `${segment}.idx`);
}

interface Chunk {
  readonly header: ChunkHeader;
  /** Where it begins in the file. */
  readonly start: number;
}

export class SegmentIndex implements AsyncDisposable {
  readonly chunks: readonly Chunk[];
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle, chunks: readonly Chunk[]) {
    this.#handle = handle;
    this.chunks = chunks;
  }

  /** Opens what there is; undefined when there is nothing of use. */
  static async open(directory: string, segment: string): Promise<SegmentIndex | undefined> {
    let handle: FileHandle;
    try {
      handle = await open(indexPath(directory, segment), 'r');
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
    const chunks: Chunk[] = [];
    for (let start = 0, to = 0; ; ) {
      const header = readHeader(await readAt(handle, start, HEADER_BYTES));
      // A gap, or a stretch told twice: what comes from here on cannot be trusted.
      if (header === undefined || header.from !== to || header.to < to) break;
      chunks.push({ header, start });
      start += chunkBytes(header);
      to = header.to;
    }
    if (chunks.length > 0) return new SegmentIndex(handle, chunks);
    await handle.close();
    return undefined;
  }

  /** Up to where the segment is indexed. */
  get to(): number {
    return this.chunks.at(-1)?.header.to ?? 0;
  }

  /** Lines with this hash in one chunk; undefined when the chunk is damaged. */
  places({ header, start }: Chunk, hash: number): Promise<LinePlace[] | undefined> {
    return placesOf(header, hash, (offset, length) => readAt(this.#handle, start + offset, length));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/**
 * Adds chunks about a segment from where its index ends to `to`, a stretch at a time, and lets others run in between.
 * Lines up to `to` must be whole and stay as they are. One at a time for a segment, by who writes the segment.
 * @param leastBytes a rest shorter than this is left for later
 */
export async function extendIndex(
  directory: string,
  segment: string,
  segmentHandle: FileHandle,
  to: number,
  leastBytes = 1,
): Promise<void> {
  const known = await SegmentIndex.open(directory, segment);
  let from = known?.to ?? 0;
  let fileEnd = known === undefined ? 0 : endOf(known);
  await known?.[Symbol.asyncDispose]();
  if (to - from < leastBytes) return;
  const file = await open(indexPath(directory, segment), fileEnd === 0 ? 'w' : 'r+', 0o640);
  try {
    // Behind the last good chunk may lie the half of one.
    await file.truncate(fileEnd);
    while (to - from >= Math.max(1, leastBytes)) {
      const { bytes, end } = await chunkOf(segmentHandle, segment, from, to);
      if (end === from) return;
      await file.write(bytes, 0, bytes.length, fileEnd);
      fileEnd += bytes.length;
      from = end;
    }
  } finally {
    await file.close();
  }
}

/** Writes the whole index of a segment anew, beside the one that may be in use. */
export async function rebuildIndex(
  directory: string,
  segment: string,
  segmentHandle: FileHandle,
  to: number,
): Promise<void> {
  const fresh = `${indexPath(directory, segment)}.${process.pid}`;
  const file = await open(fresh, 'w', 0o640);
  try {
    for (let from = 0; from < to; ) {
      const { bytes, end } = await chunkOf(segmentHandle, segment, from, to);
      if (end === from) break;
      await file.writeFile(bytes);
      from = end;
    }
  } finally {
    await file.close();
  }
  await rename(fresh, indexPath(directory, segment));
}

async function chunkOf(
  handle: FileHandle,
  segment: string,
  from: number,
  to: number,
): Promise<{ bytes: Buffer; end: number }> {
  const builder = new ChunkBuilder(from);
  const until = Math.min(to, from + STRETCH_BYTES);
  let end = from;
  for await (const block of segmentBlocks(handle, segment, from, until)) {
    builder.add(block.bytes, block.start.offset, block.damaged);
    end = block.end.offset;
  }
  // No newline in a whole stretch: the rest of it is one damaged line, and the next chunk begins behind it.
  if (end === from && until < to) return chunkOf(handle, segment, from, Math.min(to, until + STRETCH_BYTES));
  return { bytes: builder.finish(end), end };
}

function endOf(index: SegmentIndex): number {
  const last = index.chunks.at(-1) as Chunk;
  return last.start + chunkBytes(last.header);
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  const { bytesRead } = await handle.read(bytes, 0, length, offset);
  return bytes.subarray(0, bytesRead);
}
