/** Points from the journal's own files: while the service writes them, and when it is stopped. */
import { type JournalReader, journalReader } from '../store/journal-reader.ts';
import type { LineBatch } from '../store/segment.ts';
import { parseStateLine, STATE_MEASUREMENT, type StatePoint } from '../store/state-line.ts';
import { dayName } from '../store/utc-day.ts';
import {
  type Gathered,
  type Gatherer,
  LOOK_BACK_MS,
  type PointQuery,
  type PointSource,
} from './point-source.ts';
import { compareDevices, type DeviceName, isSelected, type Selection } from './selection.ts';

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
  return {
    get damagedLines() {
      return damagedLines;
    },
    async *gather(query, create) {
      let after: DeviceName | undefined;
      do {
        const share = new Share(create, pointsMax, after);
        let damaged = 0;
        await eachPoint(reader, query, (point) => {
          if (point === undefined) damaged++;
          else share.add(point);
        });
        damagedLines = Math.max(damagedLines, damaged);
        yield* share.devices();
        after = share.end;
      } while (after !== undefined);
    },
  };
}

/**
 * The devices behind `after` that fit into memory: when there are too many, the later half by name is given up, and
 * everything behind the last one kept is ignored from then on. Who is kept has all its points, whenever it came.
 */
class Share<G extends Gatherer> {
  /** The last device kept; undefined as long as all are. */
  end: DeviceName | undefined;
  readonly #create: () => G;
  readonly #pointsMax: number;
  readonly #after: DeviceName | undefined;
  #devices = new Map<string, Gathered<G>>();
  #weight = 0;

  constructor(create: () => G, pointsMax: number, after: DeviceName | undefined) {
    this.#create = create;
    this.#pointsMax = pointsMax;
    this.#after = after;
  }

  add(point: StatePoint): void {
    const name = `${point.deviceClass}/${point.device}`;
    let device = this.#devices.get(name);
    if (device === undefined) {
      if (this.end !== undefined && compareDevices(point, this.end) > 0) return;
      if (this.#after !== undefined && compareDevices(point, this.#after) <= 0) return;
      device = { ...ownCopy(name), gathered: this.#create() };
      this.#devices.set(name, device);
    }
    this.#weight -= device.gathered.weight;
    device.gathered.add(point);
    this.#weight += device.gathered.weight;
    if (this.#weight > this.#pointsMax && this.#devices.size > 1) this.#giveUpHalf();
  }

  *devices(): Generator<Gathered<G>> {
    for (const device of this.#sorted()) if (!device.gathered.isEmpty) yield device;
  }

  #sorted(): Gathered<G>[] {
    return [...this.#devices.values()].sort(compareDevices);
  }

  #giveUpHalf(): void {
    const sorted = this.#sorted();
    const kept = sorted.slice(0, Math.ceil(sorted.length / 2));
    const { deviceClass, device } = kept.at(-1) as Gathered<G>;
    this.end = { deviceClass, device };
    this.#devices = new Map(kept.map((one) => [`${one.deviceClass}/${one.device}`, one]));
    this.#weight = kept.reduce((sum, { gathered }) => sum + gathered.weight, 0);
  }
}

/** A name cut from a line would keep the whole batch of lines in memory. */
function ownCopy(name: string): DeviceName {
  const copy = Buffer.from(name).toString();
  const slash = copy.indexOf('/');
  return { deviceClass: copy.slice(0, slash), device: copy.slice(slash + 1) };
}

/**
 * Every point of the window and its look-back; undefined for a damaged line. Segments are named by the day in which
 * lines were appended, which is never before the instant they tell of; restatements may come many days later, so
 * reading goes on to the end.
 */
async function eachPoint(
  reader: JournalReader,
  { select, window }: PointQuery,
  take: (point: StatePoint | undefined) => void,
): Promise<void> {
  const firstInstant = window.from - LOOK_BACK_MS;
  for await (const { lines, damaged } of batches(reader, select, firstInstant)) {
    for (let n = 0; n < damaged; n++) take(undefined);
    for (const line of lines) {
      const at = Number(line.slice(line.lastIndexOf(' ') + 1));
      if (at <= firstInstant || at > window.to) continue;
      const point = parseStateLine(line);
      if (point === undefined || isSelected(point, select)) take(point);
    }
  }
}

/** A device whose class is known is found by the journal's index. */
function batches(reader: JournalReader, select: Selection, fromAt: number): AsyncIterable<LineBatch> {
  const { deviceClass, device } = select;
  const measurements = [STATE_MEASUREMENT];
  if (deviceClass !== undefined && device !== undefined && isName(deviceClass) && isName(device)) {
    return reader.readSeries({ deviceClass, device, measurements }, fromAt);
  }
  return reader.read({ segment: dayName(fromAt), offset: 0 }, undefined, { measurements });
}

/** True for what can stand in a line at all. */
function isName(text: string): boolean {
  return text !== '' && !text.endsWith('\\') && !/[\n\r]/.test(text);
}
