/**
 * Points from InfluxDB: two small queries for one device, however long the window, and three for many. All points are
 * asked for only where these do not tell. Answers come sorted by device, so none has to be kept.
 */
import { FLEET_MEASUREMENT } from '../store/fleet-group.ts';
import { InfluxConnection } from '../store/influx-connection.ts';
import type { InfluxTarget } from '../store/influx-target.ts';
import { MINUTE_MS } from '../store/slot.ts';
import { STATE_MEASUREMENT, type StatePoint } from '../store/state-line.ts';
import {
  type Dialect,
  type PointRequest,
  pointOf,
  type Row,
  STATE_FIELDS,
  tagsOf,
} from './dialects/dialect.ts';
import { influxQl } from './dialects/influxql.ts';
import { byDevice, type DevicePoints, merged, type OfDevice } from './merged-points.ts';
import {
  type Gathered,
  type Gatherer,
  LOOK_BACK_MS,
  type PointQuery,
  type PointSource,
  type SlotQuery,
  type StateGatherer,
} from './point-source.ts';
import type { DeviceName, Window } from './selection.ts';
import { SLOT_FIELDS, slotPointOf } from './slot-point.ts';

/** Devices asked for in one query of all points. */
const DEVICES_AT_ONCE = 100;

/** Devices kept back at most, while the unclear ones among them wait to be asked for together. */
const HELD_BACK_MAX = 10_000;

export interface DatabaseSourceOptions {
  /** How to ask. Default InfluxQL. */
  readonly dialect?: Dialect;
  /** How long a server may take for an answer, or the next piece of it. Default one minute. */
  readonly timeoutMs?: number;
}

/** Asks the database of a target; nothing is written. `close()` ends its connections. */
export interface DatabaseSource extends PointSource {
  /**
   * The end of the last minute that a monitor told of between two instants; undefined when none did. What was said last
   * does not hold beyond it, where nothing was told since: the monitor was killed, or delivery waits.
   * @throws StoreError as questions do
   */
  toldUntil(from: number, to: number): Promise<number | undefined>;
  close(): void;
}

export function databaseSource(
  target: InfluxTarget,
  { dialect = influxQl, timeoutMs = 60_000 }: DatabaseSourceOptions = {},
): DatabaseSource {
  const connection = new InfluxConnection(target, timeoutMs);
  const ask = <P extends OfDevice>(request: PointRequest, pointIn: (row: Row) => P | undefined) =>
    byDevice(pointsIn(dialect, connection, request, pointIn));
  return {
    async *gather(query, create) {
      const groups = merged(pointRequests(query).map((request) => ask(request, pointOf)));
      const every = (devices?: readonly DeviceName[]) => ask(everyPoint(query, devices), pointOf);
      if (query.want !== 'ends') yield* gatheredAll(groups, create);
      else if (isOneDevice(query)) yield* ofOneDevice(groups, query.window, create, every);
      else yield* withHistories(groups, create, every);
    },
    async *gatherSlots(query, create) {
      for await (const group of ask(slotRequest(query), slotPointOf)) yield gathered(group, create);
    },
    async toldUntil(from, to) {
      const minutes = { measurement: FLEET_MEASUREMENT, fields: ['devices'], select: {} };
      const request = { ...minutes, after: from, until: to, pick: 'last' } as const;
      let latestAt: number | undefined;
      for await (const instants of pointsIn(dialect, connection, request, ({ time }) => Number(time))) {
        latestAt = Math.max(latestAt ?? 0, ...instants);
      }
      return latestAt === undefined ? undefined : latestAt + MINUTE_MS;
    },
    close: () => connection.close(),
  };
}

/** The texts that are asked first for a query: to be read, and pasted elsewhere. */
export function queryTexts(dialect: Dialect, query: PointQuery | SlotQuery): string[] {
  const requests = 'want' in query ? pointRequests(query) : [slotRequest(query)];
  return requests.map((request) => dialect.points(request));
}

function pointRequests({ select, window, want }: PointQuery): PointRequest[] {
  const { from, to } = window;
  const after = from - LOOK_BACK_MS;
  const points = { measurement: STATE_MEASUREMENT, fields: STATE_FIELDS, select };
  if (want !== 'ends') return [{ ...points, after, until: to, pick: want === 'all' ? 'every' : 'downs' }];
  if (isOneDevice({ select, window })) {
    // The checkpoint of the last midnight tells what the months before it came to.
    const lately = Math.max(from, to - LOOK_BACK_MS);
    return [
      { ...points, after, until: from, pick: 'last' },
      { ...points, after: lately, until: to, pick: 'last' },
    ];
  }
  return [
    { ...points, after, until: from, pick: 'last' },
    { ...points, after: from, until: to, pick: 'first' },
    { ...points, after: from, until: to, pick: 'last' },
  ];
}

/**
 * Without its class a name may stand for several devices, and one that was there only in the midst of a long window
 * would be missed beside another that is found at its ends.
 */
function isOneDevice({ select, window }: Pick<PointQuery, 'select' | 'window'>): boolean {
  const isLong = window.to - window.from > LOOK_BACK_MS;
  return select.device !== undefined && (select.deviceClass !== undefined || !isLong);
}

function everyPoint({ select, window }: PointQuery, devices?: readonly DeviceName[]): PointRequest {
  const { from, to } = window;
  const whom = devices === undefined ? select : { site: select.site };
  const points = { measurement: STATE_MEASUREMENT, fields: STATE_FIELDS, select: whom, devices };
  return { ...points, after: from - LOOK_BACK_MS, until: to, pick: 'every' };
}

function slotRequest({ measurement, select, window: { from, to } }: SlotQuery): PointRequest {
  return { measurement, fields: SLOT_FIELDS, select, after: from - 1, until: to - 1, pick: 'contents' };
}

type Groups = AsyncIterable<DevicePoints<StatePoint>>;

/** One device: all its points are asked for unless both ends tell enough. */
async function* ofOneDevice<G extends StateGatherer>(
  groups: Groups,
  { from, to }: Window,
  create: () => G,
  every: () => Groups,
): AsyncGenerator<Gathered<G>> {
  const isLong = to - from > LOOK_BACK_MS;
  const found: Gathered<G>[] = [];
  let isClear = true;
  for await (const group of groups) {
    const device = gathered(group, create);
    const isKnownBefore = group.points.some(({ at }) => at <= from);
    isClear &&= isLong ? device.gathered.isClear : isKnownBefore && !device.gathered.needsAll;
    found.push(device);
  }
  // Whoever was there for a while in the midst of a long window was not found at its ends.
  if (!isClear || (found.length === 0 && isLong)) yield* gatheredAll(every(), create);
  else for (const device of found) yield* nonEmpty(device);
}

/** Asks again, for all their points, for devices whose ends do not tell what lay between; the order is kept. */
async function* withHistories<G extends StateGatherer>(
  groups: Groups,
  create: () => G,
  every: (devices: readonly DeviceName[]) => Groups,
): AsyncGenerator<Gathered<G>> {
  let held: Gathered<G>[] = [];
  let unclear: DeviceName[] = [];
  const release = async function* (): AsyncGenerator<Gathered<G>> {
    const clear = new Map<string, Gathered<G>>();
    if (unclear.length > 0) {
      for await (const group of every(unclear)) clear.set(keyOf(group), gathered(group, create));
    }
    for (const device of held) yield* nonEmpty(clear.get(keyOf(device)) ?? device);
    held = [];
    unclear = [];
  };
  for await (const group of groups) {
    const device = gathered(group, create);
    held.push(device);
    if (device.gathered.needsAll) unclear.push(group);
    const isFull = unclear.length === DEVICES_AT_ONCE || held.length === HELD_BACK_MAX;
    if (unclear.length === 0 || isFull) yield* release();
  }
  yield* release();
}

async function* pointsIn<P>(
  dialect: Dialect,
  connection: InfluxConnection,
  request: PointRequest,
  pointIn: (row: Row) => P | undefined,
): AsyncGenerator<P[]> {
  const known = await dialect.columns?.(connection, request.measurement);
  // Nothing was written there yet, or nothing with a tag that is asked for.
  if (known?.size === 0 || tagsOf(request.select).some(([tag]) => known?.has(tag) === false)) return;
  for await (const rows of dialect.rows(connection, dialect.points({ ...request, known }))) {
    yield rows.flatMap((row) => pointIn(row) ?? []);
  }
}

function gathered<P, G extends Gatherer<P>>(
  { deviceClass, device, points }: DevicePoints<P>,
  create: () => G,
): Gathered<G> {
  const gatherer = create();
  for (const point of points) gatherer.add(point);
  return { deviceClass, device, gathered: gatherer };
}

async function* gatheredAll<G extends StateGatherer>(
  groups: Groups,
  create: () => G,
): AsyncGenerator<Gathered<G>> {
  for await (const group of groups) yield* nonEmpty(gathered(group, create));
}

function* nonEmpty<G extends Gatherer<never>>(device: Gathered<G>): Generator<Gathered<G>> {
  if (!device.gathered.isEmpty) yield device;
}

function keyOf({ deviceClass, device }: DeviceName): string {
  return `${deviceClass}/${device}`;
}
