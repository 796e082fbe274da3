/** Reading the verdicts of a whole fleet about some spans of time, without what a journal holds about others. */
import { type LineBatch, linesOf, listSegments, openSegment, segmentBlocks } from './segment.ts';
import { SegmentIndex } from './segment-index.ts';
import { STATE_MEASUREMENT } from './state-line.ts';
import { dayName } from './utc-day.ts';

/** Both instants belong to it. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * At least all `device_state` lines about instants in the spans, in the order in which they were written. A segment is
 * named by the day of writing, which is never before the instant; what was put right later lies in later ones, and is
 * found because an index says about which instants a stretch tells.
 */
export async function* readStates(directory: string, spans: readonly Span[]): AsyncGenerator<LineBatch> {
  const firstAt = Math.min(...spans.map(({ from }) => from));
  if (firstAt === Number.POSITIVE_INFINITY) return;
  const firstDay = Number.isFinite(firstAt) ? dayName(firstAt) : '';
  for (const segment of await listSegments(directory)) {
    if (segment < firstDay) continue;
    const handle = await openSegment(directory, segment);
    if (handle === undefined) continue;
    try {
      const { size } = await handle.stat();
      for (const { from, to } of await stretchesOf(directory, segment, size, spans)) {
        for await (const { bytes, end, damaged } of segmentBlocks(handle, segment, from, to)) {
          yield { lines: linesOf(bytes, [STATE_MEASUREMENT]), end, damaged };
        }
      }
    } finally {
      await handle.close();
    }
  }
}

/** Parts of a segment, as offsets, that may tell of the spans. */
async function stretchesOf(
  directory: string,
  segment: string,
  size: number,
  spans: readonly Span[],
): Promise<Span[]> {
  await using index = await SegmentIndex.open(directory, segment);
  const told = (index?.chunks ?? []).filter(({ header }) =>
    spans.some(({ from, to }) => header.stateFromAt <= to && header.stateToAt >= from),
  );
  const stretches = told.map(({ header }) => ({ from: header.from, to: Math.min(size, header.to) }));
  return [...stretches, { from: Math.min(size, index?.to ?? 0), to: size }];
}
