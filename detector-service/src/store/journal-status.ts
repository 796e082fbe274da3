/** What is in a journal's directory, told without reading the lines; nothing is locked or changed. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DeadLetters } from './dead-letters.ts';
import { hasCode } from './durable-file.ts';
import type { Position } from './position.ts';
import { listSegments, segmentPath } from './segment.ts';
import { SegmentIndex } from './segment-index.ts';

export interface SegmentStatus {
  readonly segment: string;
  readonly bytes: number;
  /** Up to where its index reaches; 0 without one. */
  readonly indexedBytes: number;
}

export interface CursorStatus {
  /** The database or bucket, in words. */
  readonly target: string;
  readonly position: Position;
  /** Bytes that the target does not have yet. */
  readonly lagBytes: number;
}

export interface JournalStatus {
  readonly segments: readonly SegmentStatus[];
  readonly bytes: number;
  /** One for each place that was ever delivered to. */
  readonly cursors: readonly CursorStatus[];
  /** Refused lines by reason, the most frequent first. */
  readonly deadLetters: readonly { readonly reason: string; readonly lines: number }[];
}

/** @throws what the file system says */
export async function journalStatus(directory: string): Promise<JournalStatus> {
  const segments: SegmentStatus[] = [];
  for (const segment of await listSegments(directory)) {
    const { size } = await stat(segmentPath(directory, segment));
    await using index = await SegmentIndex.open(directory, segment);
    segments.push({ segment, bytes: size, indexedBytes: index?.to ?? 0 });
  }
  const bytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  const cursors = await cursorsIn(directory, segments);
  return { segments, bytes, cursors, deadLetters: await new DeadLetters(directory).byReason() };
}

async function cursorsIn(directory: string, segments: readonly SegmentStatus[]): Promise<CursorStatus[]> {
  const cursors: CursorStatus[] = [];
  for (const name of (await readdir(directory)).sort()) {
    if (!/^delivered-[0-9a-f]+\.json$/.test(name)) continue;
    const cursor = await readCursor(join(directory, name));
    if (cursor === undefined) continue;
    const { target, ...position } = cursor;
    const lagBytes = segments
      .filter(({ segment }) => segment >= position.segment)
      .reduce(
        (sum, { segment, bytes }) => sum + bytes - (segment === position.segment ? position.offset : 0),
        0,
      );
    cursors.push({ target, position, lagBytes: Math.max(0, lagBytes) });
  }
  return cursors;
}

async function readCursor(path: string): Promise<(Position & { target: string }) | undefined> {
  try {
    const { target, segment, offset } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    if (typeof target !== 'string' || typeof segment !== 'string' || typeof offset !== 'number')
      return undefined;
    return { target, segment, offset };
  } catch (error) {
    // Replaced or removed meanwhile, or none of ours.
    if (error instanceof SyntaxError || hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
