/**
 * Where in a stretch of a segment each device's lines are: one chunk of a segment's index, as bytes.
 *
 * Header, directory, entries. An entry is the hash of a line's measurement and device, its offset in the
 * stretch and its length; entries are sorted by hash and cut into buckets by its upper bits, so that a lookup reads the
 * directory entry and one bucket. The header and every bucket carry a checksum. A hash may be that of another series:
 * who finds a line compares it.
 */
import { crc32 } from 'node:zlib';
import { hasControl, type LineKey, lineKey, soundInstant } from './line-key.ts';
import { STATE_MEASUREMENT } from './state-line.ts';

const MAGIC = 0x32584253; // SBX2
export const HEADER_BYTES = 64;
const BUCKET_BYTES = 12;
const ENTRY_BYTES = 12;
/** Entries that share a bucket, about. */
const BUCKET_ENTRIES = 64;
const NEWLINE = 10;

export interface ChunkHeader {
  /** The stretch of the segment that it tells of. */
  readonly from: number;
  readonly to: number;
  readonly lines: number;
  /** Lines that are no line protocol, or were too long. */
  readonly damaged: number;
  /** Earliest and latest instant of the `device_state` points in it; infinite and reversed when there are none. */
  readonly stateFromAt: number;
  readonly stateToAt: number;
  /** Checksum of the stretch itself. */
  readonly contentCrc: number;
  readonly buckets: number;
  readonly entries: number;
}

export interface LinePlace {
  /** Offset in the segment. */
  readonly offset: number;
  readonly length: number;
}

/** Takes the lines of a stretch in, block by block, and becomes the bytes of its chunk. */
export class ChunkBuilder {
  readonly #from: number;
  readonly #hashes: number[] = [];
  readonly #offsets: number[] = [];
  readonly #lengths: number[] = [];
  readonly #key: LineKey = { end: 0, hash: 0 };
  #lines = 0;
  #damaged = 0;
  #stateFromAt = Number.POSITIVE_INFINITY;
  #stateToAt = Number.NEGATIVE_INFINITY;
  #contentCrc = 0;

  constructor(from: number) {
    this.#from = from;
  }

  /** @param offset of the block in the segment; blocks come without gaps but for skipped damage */
  add(block: Buffer, offset: number, damaged: number): void {
    this.#damaged += damaged;
    this.#contentCrc = crc32(block, this.#contentCrc);
    const isDoubtful = hasControl(block);
    for (let start = 0; start < block.length; ) {
      const end = block.indexOf(NEWLINE, start);
      this.#addLine(block, start, end, offset - this.#from, isDoubtful);
      start = end + 1;
    }
  }

  finish(to: number): Buffer {
    const count = this.#hashes.length;
    const buckets = bucketsFor(count);
    // Hash and place in one number sort fast: 32 bits and 20, or so many more as there are lines.
    const span = 2 ** Math.ceil(Math.log2(Math.max(2, count)));
    const order = Float64Array.from(this.#hashes, (hash, index) => hash * span + index).sort();
    const entries = Buffer.alloc(count * ENTRY_BYTES);
    const starts = new Uint32Array(buckets + 1);
    for (const [place, packed] of order.entries()) {
      const index = packed % span;
      const hash = this.#hashes[index] as number;
      entries.writeUInt32LE(hash, place * ENTRY_BYTES);
      entries.writeUInt32LE(this.#offsets[index] as number, place * ENTRY_BYTES + 4);
      entries.writeUInt32LE(this.#lengths[index] as number, place * ENTRY_BYTES + 8);
      const bucket = bucketOf(hash, buckets);
      starts[bucket + 1] = place + 1;
    }
    for (let bucket = 1; bucket <= buckets; bucket++) {
      starts[bucket] = Math.max(starts[bucket] as number, starts[bucket - 1] as number);
    }
    const directory = Buffer.alloc(buckets * BUCKET_BYTES);
    for (let bucket = 0; bucket < buckets; bucket++) {
      const [first, last] = [starts[bucket] as number, starts[bucket + 1] as number];
      directory.writeUInt32LE(first, bucket * BUCKET_BYTES);
      directory.writeUInt32LE(last, bucket * BUCKET_BYTES + 4);
      const bytes = entries.subarray(first * ENTRY_BYTES, last * ENTRY_BYTES);
      directory.writeUInt32LE(crc32(bytes), bucket * BUCKET_BYTES + 8);
    }
    return Buffer.concat([this.#header(to, buckets, count), directory, entries]);
  }

  #addLine(block: Buffer, start: number, end: number, shift: number, isDoubtful: boolean): void {
    this.#lines++;
    const at = soundInstant(block, start, end);
    if (Number.isNaN(at) || (isDoubtful && hasControl(block.subarray(start, end)))) {
      this.#damaged++;
      return;
    }
    if (!lineKey(block, start, end, this.#key)) return;
    this.#hashes.push(this.#key.hash);
    this.#offsets.push(start + shift);
    this.#lengths.push(end - start);
    if (!isState(block, start)) return;
    this.#stateFromAt = Math.min(this.#stateFromAt, at);
    this.#stateToAt = Math.max(this.#stateToAt, at);
  }

  #header(to: number, buckets: number, entries: number): Buffer {
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(MAGIC, 0);
    header.writeUInt32LE(this.#lines, 4);
    header.writeDoubleLE(this.#from, 8);
    header.writeDoubleLE(to, 16);
    header.writeDoubleLE(this.#stateFromAt, 24);
    header.writeDoubleLE(this.#stateToAt, 32);
    header.writeUInt32LE(this.#damaged, 40);
    header.writeUInt32LE(this.#contentCrc, 44);
    header.writeUInt32LE(buckets, 48);
    header.writeUInt32LE(entries, 52);
    header.writeUInt32LE(crc32(header.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
    return header;
  }
}

/** Undefined for bytes that are no header of ours. */
export function readHeader(bytes: Buffer): ChunkHeader | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  if (crc32(bytes.subarray(0, HEADER_BYTES - 4)) !== bytes.readUInt32LE(HEADER_BYTES - 4)) return undefined;
  return {
    lines: bytes.readUInt32LE(4),
    from: bytes.readDoubleLE(8),
    to: bytes.readDoubleLE(16),
    stateFromAt: bytes.readDoubleLE(24),
    stateToAt: bytes.readDoubleLE(32),
    damaged: bytes.readUInt32LE(40),
    contentCrc: bytes.readUInt32LE(44),
    buckets: bytes.readUInt32LE(48),
    entries: bytes.readUInt32LE(52),
  };
}

export function chunkBytes({ buckets, entries }: ChunkHeader): number {
  return HEADER_BYTES + buckets * BUCKET_BYTES + entries * ENTRY_BYTES;
}

/**
 * Places of the lines whose series has this hash, in the order of the segment.
 * @param read gives bytes of the chunk from an offset in it
 * @returns undefined when the chunk is damaged
 */
export async function placesOf(
  header: ChunkHeader,
  hash: number,
  read: (offset: number, length: number) => Promise<Buffer>,
): Promise<LinePlace[] | undefined> {
  const slot = HEADER_BYTES + bucketOf(hash, header.buckets) * BUCKET_BYTES;
  const bucket = await read(slot, BUCKET_BYTES);
  if (bucket.length < BUCKET_BYTES) return undefined;
  const [first, last] = [bucket.readUInt32LE(0), bucket.readUInt32LE(4)];
  if (first > last || last > header.entries) return undefined;
  const start = HEADER_BYTES + header.buckets * BUCKET_BYTES + first * ENTRY_BYTES;
  const entries = await read(start, (last - first) * ENTRY_BYTES);
  if (entries.length < (last - first) * ENTRY_BYTES || crc32(entries) !== bucket.readUInt32LE(8))
    return undefined;
  const places: LinePlace[] = [];
  for (let at = 0; at < entries.length; at += ENTRY_BYTES) {
    if (entries.readUInt32LE(at) !== hash) continue;
    places.push({ offset: header.from + entries.readUInt32LE(at + 4), length: entries.readUInt32LE(at + 8) });
  }
  return places;
}

function bucketsFor(entries: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(entries / BUCKET_ENTRIES || 1)));
}

function bucketOf(hash: number, buckets: number): number {
  return buckets === 1 ? 0 : Math.floor(hash / (2 ** 32 / buckets));
}

const STATE = Buffer.from(`${STATE_MEASUREMENT},`);

function isState(block: Buffer, start: number): boolean {
  return block.compare(STATE, 0, STATE.length, start, start + STATE.length) === 0;
}
