/** Points from the journal's own files: while the service writes them, and when it is stopped. */
import { type JournalReader, journalReader } from '../store/journal-reader.ts';
import type { LineBatch } from '../store/segment.ts';
import { parseStateLine, STATE_MEASUREMENT, type StatePoint } from '../store/state-line.ts';
import { dayName } from '../store/utc-day.ts';
import { DeviceShare } from './device-share.ts';
import {
  type Gathered,
  type Gatherer,
  LOOK_BACK_MS,
  type PointQuery,
  type PointSource,
  type SlotQuery,
} from './point-source.ts';
import { type DeviceName, isSelected, type Selection } from './selection.ts';
import { parseSlotLine, type SlotPoint } from './slot-point.ts';

export interface JournalSource extends PointSource {
  /** Lines of the series, read so far, that are damaged and were passed over. */
  readonly damagedLines: number;
}

export interface JournalSourceOptions {
  /**
   * Points kept in memory at most, about 150 bytes each. When the devices asked for have more, the journal is read
   * again for the next ones. Default 1,000,000.
   */
  readonly pointsMax?: number;
}

/** Reads the journal in a directory; nothing is locked or changed. */
export function journalSource(
  directory: string,
  { pointsMax = 1_000_000 }: JournalSourceOptions = {},
): JournalSource {
  const reader = journalReader(directory);
  let damagedLines = 0;
  /** Reads again and again, until every device has had its turn. */
  async function* shares<P extends DeviceName, G extends Gatherer<P>>(
    create: () => G,
    read: (take: Take<P>) => Promise<void>,
  ): AsyncGenerator<Gathered<G>> {
    let after: DeviceName | undefined;
    do {
      const share = new DeviceShare<P, G>(create, pointsMax, after);
      let damaged = 0;
      await read((point) => {
        if (point === undefined) damaged++;
        else share.add(point);
      });
      damagedLines = Math.max(damagedLines, damaged);
      yield* share.devices();
      after = share.end;
    } while (after !== undefined);
  }
  return {
    get damagedLines() {
      return damagedLines;
    },
    gather: (query, create) => shares(create, (take) => eachPoint(reader, query, take)),
    gatherSlots: (query, create) => shares(create, (take) => eachSlot(reader, query, take)),
  };
}

/** Takes what was read; undefined stands for a damaged line. */
type Take<P> = (point: P | undefined) => void;

/**
 * Every point of the window and its look-back. Segments are named by the day in which lines were appended, which is
 * never before the instant they tell of; restatements may come many days later, so reading goes on to the end.
 */
async function eachPoint(
  reader: JournalReader,
  { select, window }: PointQuery,
  take: Take<StatePoint>,
): Promise<void> {
  const after = window.from - LOOK_BACK_MS;
  await eachLine(
    reader,
    STATE_MEASUREMENT,
    select,
    after,
    (line, at) => {
      if (at <= after || at > window.to) return;
      const point = parseStateLine(line);
      if (point === undefined || isSelected(point, select)) take(point);
    },
    take,
  );
}

async function eachSlot(
  reader: JournalReader,
  { measurement, select, window }: SlotQuery,
  take: Take<SlotPoint>,
): Promise<void> {
  await eachLine(
    reader,
    measurement,
    select,
    window.from,
    (line, at) => {
      if (at < window.from || at >= window.to) return;
      const point = parseSlotLine(line);
      if (point === undefined || isSelected(point, select)) take(point);
    },
    take,
  );
}

/** Lines of a measurement with the instant at their end; a device whose class is known is found by the index. */
async function eachLine(
  reader: JournalReader,
  measurement: string,
  { deviceClass, device }: Selection,
  fromAt: number,
  onLine: (line: string, at: number) => void,
  onDamage: (nothing: undefined) => void,
): Promise<void> {
  const measurements = [measurement];
  const isOne = deviceClass !== undefined && device !== undefined && isName(deviceClass) && isName(device);
  const batches: AsyncIterable<LineBatch> = isOne
    ? reader.readSeries({ deviceClass, device, measurements }, fromAt)
    : reader.read({ segment: dayName(fromAt), offset: 0 }, undefined, { measurements });
  for await (const { lines, damaged } of batches) {
    for (let n = 0; n < damaged; n++) onDamage(undefined);
    for (const line of lines) onLine(line, Number(line.slice(line.lastIndexOf(' ') + 1)));
  }
}

/** True for what can stand in a line at all. */
function isName(text: string): boolean {
  return text !== '' && !text.endsWith('\\') && !/[\n\r]/.test(text);
}
