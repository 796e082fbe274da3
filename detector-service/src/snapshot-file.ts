/**
 * The detector's learned state on disk: one file that is always whole.
 *
 * Written beside its place, flushed, then renamed into it, so that a crash leaves the old snapshot or the new
 * one. A header carries the format's version, the instant it is about and a checksum: a file that is torn, of
 * another program or of a later version is refused instead of believed.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

const MAGIC = Buffer.from('SLOWBEAT');
const VERSION = 1;
/** Magic, version, instant, checksum of the state. */
const HEADER_BYTES = MAGIC.length + 4 + 8 + 4;

export interface Snapshot {
  /** Own time when it was taken. */
  readonly at: number;
  readonly state: Uint8Array;
}

/** Why a snapshot cannot be used; `message` names the file and the reason. */
export class SnapshotRefused extends Error {
  readonly code = 'SNAPSHOT_REFUSED';
}

/** Replaces the snapshot at `path`. Rejects with the file system's error; the old one is then still there. */
export async function writeSnapshot(path: string, { at, state }: Snapshot): Promise<void> {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  let offset = header.writeUInt32LE(VERSION, MAGIC.length);
  offset = header.writeDoubleLE(at, offset);
  header.writeUInt32LE(crc32(state), offset);
  const besides = `${path}.new`;
  const file = await open(besides, 'w');
  try {
    await file.writev([header, state]);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(besides, path);
  await syncDirectory(dirname(path));
}

/** Reads the snapshot; undefined when there is none. Throws {@link SnapshotRefused} when it is not to be believed. */
export async function readSnapshot(path: string): Promise<Snapshot | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const refuse = (why: string): never => {
    throw new SnapshotRefused(`the snapshot ${path} ${why}`);
  };
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    return refuse('is not one of Slowbeat');
  }
  const version = bytes.readUInt32LE(MAGIC.length);
  if (version !== VERSION) return refuse(`has format ${version}; this program reads format ${VERSION}`);
  const state = bytes.subarray(HEADER_BYTES);
  if (bytes.readUInt32LE(HEADER_BYTES - 4) !== crc32(state))
    return refuse('is damaged: its checksum does not match');
  return { at: bytes.readDoubleLE(MAGIC.length + 4), state };
}

/** Moves a refused snapshot out of the way, for whoever wants to look at it. Returns where it is now. */
export async function setAside(path: string): Promise<string> {
  const aside = `${path}.refused`;
  await rename(path, aside);
  return aside;
}

/** A rename is durable only once its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
