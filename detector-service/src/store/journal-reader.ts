/** Reading a journal: everything in order, or the lines of one device without reading everything. */
import type { FileHandle } from 'node:fs/promises';
import { hasCode } from './durable-file.ts';
import type { Position } from './position.ts';
import {
  type BatchLimits,
  type LineBatch,
  listSegments,
  openSegment,
  readLines,
  segmentBlocks,
} from './segment.ts';
import { rebuildIndex, SegmentIndex } from './segment-index.ts';
import { SeriesLines, type SeriesWanted } from './series-lines.ts';
import { readStates, type Span } from './state-reading.ts';
import { dayName } from './utc-day.ts';

/** What can be read while another process writes it, or nobody does. */
export interface JournalReader {
  /** Days that have a segment, the oldest first. */
  segments(): Promise<string[]>;
  /** Whole lines from `from` to `to`, or to what is there, in batches; memory stays bounded. */
  read(from?: Position, to?: Position, limits?: BatchLimits): AsyncIterable<LineBatch>;
  /**
   * The lines of one device in some measurements, in the order in which they were written: of two about the same
   * instant the later one is valid. Segments of days before `fromAt` are left out, as all they hold is older. Found
   * by the segments' indexes, which are made where a closed segment has none.
   */
  readSeries(series: SeriesWanted, fromAt?: number): AsyncIterable<LineBatch>;
  /** At least all `device_state` lines about instants in the spans, of all devices, in the order of writing. */
  readStates(spans: readonly Span[]): AsyncIterable<LineBatch>;
}

/** Opens a journal that is only read, without its lock. */
export function journalReader(directory: string): JournalReader {
  return {
    segments: () => listSegments(directory),
    read: (from, to, limits) => readLines(directory, from, to, limits),
    readSeries: (series, fromAt) => readSeries(directory, series, fromAt),
    readStates: (spans) => readStates(directory, spans),
  };
}

/** Segments that are looked into at once: the disk's answers are waited for together. */
const SEGMENTS_AT_ONCE = 8;

/** A closed segment smaller than this is read faster than its index is made. */
const INDEX_WORTH_BYTES = 1_048_576;

const BLOCK_BYTES = 1_048_576;
const NEWLINE = 10;

/** @param to offset in the newest segment up to which lines may be read; all of it unless given */
export async function* readSeries(
  directory: string,
  wanted: SeriesWanted,
  fromAt = Number.NEGATIVE_INFINITY,
  to?: Position,
): AsyncGenerator<LineBatch> {
  const all = await listSegments(directory);
  const segments = all.filter((segment) => fromAt === Number.NEGATIVE_INFINITY || segment >= dayName(fromAt));
  const newest = all.at(-1);
  const pending: Promise<LineBatch | undefined>[] = [];
  const look = (segment: string | undefined): void => {
    if (segment === undefined || (to !== undefined && segment > to.segment)) return;
    const end = segment === to?.segment ? to.offset : undefined;
    const looking = seriesInSegment(directory, segment, wanted, end, segment !== newest);
    looking.catch(() => undefined);
    pending.push(looking);
  };
  for (const segment of segments.slice(0, SEGMENTS_AT_ONCE)) look(segment);
  for (let next = SEGMENTS_AT_ONCE; pending.length > 0; next++) {
    const batch = await pending.shift();
    look(segments[next]);
    if (batch !== undefined) yield batch;
  }
}

async function seriesInSegment(
  directory: string,
  segment: string,
  wanted: SeriesWanted,
  end: number | undefined,
  isClosed: boolean,
): Promise<LineBatch | undefined> {
  const handle = await openSegment(directory, segment);
  if (handle === undefined) return undefined;
  try {
    const to = end ?? (await handle.stat()).size;
    const found = new FoundLines(handle, segment, new SeriesLines(wanted));
    let index = await SegmentIndex.open(directory, segment);
    if (isClosed && (index?.to ?? 0) < to - INDEX_WORTH_BYTES) {
      await index?.[Symbol.asyncDispose]();
      await rebuildIndex(directory, segment, handle, to).catch(ignoreRefusal);
      index = await SegmentIndex.open(directory, segment);
    }
    try {
      for (const chunk of index?.chunks ?? []) {
        if (chunk.header.to <= to && (await found.byIndex(index as SegmentIndex, chunk))) continue;
        await found.byReading(chunk.header.from, Math.min(to, chunk.header.to));
      }
    } finally {
      await index?.[Symbol.asyncDispose]();
    }
    await found.byReading(Math.min(to, index?.to ?? 0), to);
    return { lines: found.lines, end: { segment, offset: to }, damaged: found.damaged };
  } finally {
    await handle.close();
  }
}

class FoundLines {
  readonly lines: string[] = [];
  damaged = 0;
  readonly #handle: FileHandle;
  readonly #segment: string;
  readonly #wanted: SeriesLines;

  constructor(handle: FileHandle, segment: string, wanted: SeriesLines) {
    this.#handle = handle;
    this.#segment = segment;
    this.#wanted = wanted;
  }

  /** @returns false when the index proves to be damaged; nothing was taken then. */
  async byIndex(index: SegmentIndex, chunk: SegmentIndex['chunks'][number]): Promise<boolean> {
    const found = await Promise.all(this.#wanted.hashes.map((hash) => index.places(chunk, hash)));
    const places = found.flatMap((some, series) => (some ?? []).map((place) => ({ ...place, series })));
    if (found.includes(undefined)) return false;
    places.sort((one, other) => one.offset - other.offset);
    const lines: string[] = [];
    for (const { offset, length, series } of places) {
      const bytes = Buffer.allocUnsafe(length);
      const { bytesRead } = await this.#handle.read(bytes, 0, length, offset);
      if (bytesRead < length) return false;
      if (this.#wanted.has(bytes, 0)) lines.push(bytes.toString('utf8'));
      // Another series may have the same hash; anything else at an indexed place is damage.
      else if (!this.#wanted.isLike(bytes, series)) return false;
    }
    this.lines.push(...lines);
    this.damaged += chunk.header.damaged;
    return true;
  }

  async byReading(from: number, to: number): Promise<void> {
    if (from >= to) return;
    for await (const { bytes, damaged } of segmentBlocks(
      this.#handle,
      this.#segment,
      from,
      to,
      BLOCK_BYTES,
    )) {
      this.damaged += damaged;
      for (const start of this.#wanted.startsIn(bytes)) {
        this.lines.push(bytes.toString('utf8', start, bytes.indexOf(NEWLINE, start)));
      }
    }
  }
}

/** Who may read a journal need not be allowed to write there, nor need the disk have room. */
function ignoreRefusal(error: unknown): void {
  const isRefusal = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT'].some((code) => hasCode(error, code));
  if (!isRefusal) throw error;
}
