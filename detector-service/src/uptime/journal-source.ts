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
  type StateGatherer,
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
    read: (take: Take<P, G>) => Promise<void>,
  ): AsyncGenerator<Gathered<G>> {
    let after: DeviceName | undefined;
    do {
      const share = new DeviceShare<P, G>(create, pointsMax, after);
      let damaged = 0;
      await read((point) => {
        if (point !== undefined) return share.add(point);
        damaged++;
        return undefined;
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
    gather: (query, create) =>
      shares(create, (take) => (isLong(query) ? eachEnd : eachPoint)(reader, query, take)),
    gatherSlots: (query, create) => shares(create, (take) => eachSlot(reader, query, take)),
  };
}

/** Takes what was read, and says who gathers it; undefined stands for a damaged line. */
type Take<P, G = unknown> = (point: P | undefined) => G | undefined;

/** Where the ends of a fleet's window lie far apart, most of what lies between is of no interest. */
function isLong({ want, select, window }: PointQuery): boolean {
  return want === 'ends' && select.device === undefined && window.to - window.from > 2 * LOOK_BACK_MS;
}

/**
 * What {@link eachPoint} gives, but for the points between the two look-backs of devices that are clear without them:
 * these are recognised by how their lines begin, and not taken apart.
 */
async function eachEnd(
  reader: JournalReader,
  { select, window }: PointQuery,
  take: Take<StatePoint, StateGatherer>,
): Promise<void> {
  const spans = [window.from, window.to].map((at) => ({ from: at - LOOK_BACK_MS + 1, to: at }));
  const isAtEnd = (at: number): boolean => spans.some(({ from, to }) => at >= from && at <= to);
  const gatherers = new Map<string, StateGatherer>();
  for await (const { lines } of reader.readStates(spans)) {
    for (const line of lines) {
      if (!isAtEnd(instantOf(line))) continue;
      const point = parseStateLine(line);
      if (point === undefined || !isSelected(point, select)) continue;
      const gatherer = take(point);
      const name = nameIn(line);
      if (gatherer !== undefined && name !== undefined && !gatherers.has(name))
        gatherers.set(ownCopy(name), gatherer);
    }
  }
  const clear = new Set([...gatherers].flatMap(([name, { isClear }]) => (isClear ? name : [])));
  await eachPoint(reader, { select, window, want: 'all' }, take, (line, at) => {
    return Number.isNaN(at) || (!isAtEnd(at) && !clear.has(nameIn(line) ?? ''));
  });
}

/** Class and device as they stand in a line; undefined where escapes make them hard to tell. */
function nameIn(line: string): string | undefined {
  const fields = line.indexOf(' ');
  const site = line.indexOf(',site=');
  const name = line.slice(STATE_MEASUREMENT.length, site > 0 && site < fields ? site : fields);
  return name.includes('\\') ? undefined : name;
}

/**
 * Every point of the window and its look-back. Segments are named by the day in which lines were appended, which is
 * never before the instant they tell of; restatements may come many days later, so reading goes on to the end.
 */
async function eachPoint(
  reader: JournalReader,
  { select, window }: PointQuery,
  take: Take<StatePoint>,
  isWanted: (line: string, at: number) => boolean = () => true,
): Promise<void> {
  const after = window.from - LOOK_BACK_MS;
  await eachLine(
    reader,
    STATE_MEASUREMENT,
    select,
    after,
    (line, at) => {
      if (at <= after || at > window.to || !isWanted(line, at)) return;
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

/** Lines of a measurement with the instant at their end; those of one device are found by the index. */
async function eachLine(
  reader: JournalReader,
  measurement: string,
  { deviceClass, device }: Selection,
  fromAt: number,
  onLine: (line: string, at: number) => void,
  onDamage: (nothing: undefined) => void,
): Promise<void> {
  const measurements = [measurement];
  const isOne = device !== undefined && isName(device) && isName(deviceClass ?? device);
  const batches: AsyncIterable<LineBatch> = isOne
    ? reader.readSeries({ deviceClass, device, measurements }, fromAt)
    : reader.read({ segment: dayName(fromAt), offset: 0 }, undefined, { measurements });
  for await (const { lines, damaged } of batches) {
    for (let n = 0; n < damaged; n++) onDamage(undefined);
    for (const line of lines) onLine(line, instantOf(line));
  }
}

function instantOf(line: string): number {
  return Number(line.slice(line.lastIndexOf(' ') + 1));
}

/** Text cut from a line would keep the line in memory. */
function ownCopy(text: string): string {
  return Buffer.from(text).toString();
}

/** True for what can stand in a line at all. */
function isName(text: string): boolean {
  return text !== '' && !text.endsWith('\\') && !/[\n\r]/.test(text);
}
