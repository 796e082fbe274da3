/**
 * One block of a snapshot: a head in JSON, arrays of numbers as they lie in memory, a text, a checksum over all of it.
 *
 * Length of the rest, length of the head, head, arrays, text, checksum.
 */
import { crc32 } from 'node:zlib';
import type { NumberArray } from './columns.ts';
import { StoreError } from './errors.ts';

const LENGTH_BYTES = 4;
const CHECKSUM_BYTES = 4;
const KINDS = { Uint8Array, Uint16Array, Uint32Array, Float32Array, Float64Array };

export interface SnapshotBlock {
  /** What it is about; anything that JSON can say. */
  readonly head: Readonly<Record<string, unknown>>;
  readonly arrays: ReadonlyMap<string, NumberArray>;
  readonly text: string;
}

export function encodeBlock({ head, arrays, text }: SnapshotBlock): Buffer {
  const kinds = [...arrays].map(([name, values]) => [name, values.constructor.name, values.length]);
  const headBytes = Buffer.from(JSON.stringify({ ...head, arrays: kinds }));
  const lengths = Buffer.alloc(2 * LENGTH_BYTES);
  const parts = [
    lengths,
    headBytes,
    ...[...arrays.values()].map(({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer, byteOffset, byteLength),
    ),
    Buffer.from(text),
    Buffer.alloc(CHECKSUM_BYTES),
  ];
  lengths.writeUInt32LE(parts.reduce((sum, part) => sum + part.length, -LENGTH_BYTES));
  lengths.writeUInt32LE(headBytes.length, LENGTH_BYTES);
  const block = Buffer.concat(parts);
  const end = block.length - CHECKSUM_BYTES;
  block.writeUInt32LE(crc32(block.subarray(LENGTH_BYTES, end)), end);
  return block;
}

/** The blocks behind `offset`, in order. @throws StoreError `snapshot-unreadable` at the first that is damaged. */
export function* decodeBlocks(bytes: Buffer, offset: number): Generator<SnapshotBlock> {
  for (let start = offset; start < bytes.length; ) {
    const length = start + LENGTH_BYTES > bytes.length ? 0 : bytes.readUInt32LE(start);
    const end = start + LENGTH_BYTES + length;
    if (length < LENGTH_BYTES + CHECKSUM_BYTES || end > bytes.length) throw unreadable('it ends too soon');
    const content = bytes.subarray(start + LENGTH_BYTES, end - CHECKSUM_BYTES);
    if (crc32(content) !== bytes.readUInt32LE(end - CHECKSUM_BYTES))
      throw unreadable('a checksum does not match');
    yield decodeBlock(content);
    start = end;
  }
}

function decodeBlock(content: Buffer): SnapshotBlock {
  let offset = LENGTH_BYTES + content.readUInt32LE(0);
  const { arrays: kinds, ...head } = JSON.parse(content.toString('utf8', LENGTH_BYTES, offset));
  const arrays = new Map<string, NumberArray>();
  for (const [name, kind, length] of kinds as [string, keyof typeof KINDS, number][]) {
    const values = new KINDS[kind](length);
    new Uint8Array(values.buffer).set(content.subarray(offset, offset + values.byteLength));
    offset += values.byteLength;
    arrays.set(name, values);
  }
  return { head, arrays, text: content.toString('utf8', offset) };
}

export function unreadable(problem: string): StoreError {
  return new StoreError('snapshot-unreadable', `snapshot of the series unreadable: ${problem}`);
}
