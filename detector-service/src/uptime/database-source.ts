/**
 * Points from InfluxDB: two small queries for one device, three for many, and all points only of the few devices
 * whose life was interrupted in the window. Answers come sorted by device, so none has to be kept.
 */
import { InfluxConnection } from '../store/influx-connection.ts';
import type { InfluxTarget } from '../store/influx-target.ts';
import type { StatePoint } from '../store/state-line.ts';
import { type Dialect, type PointRequest, pointOf } from './dialects/dialect.ts';
import { influxQl } from './dialects/influxql.ts';
import { byDevice, type DevicePoints, merged } from './merged-points.ts';
import {
  type Gathered,
  type Gatherer,
  LOOK_BACK_MS,
  type PointQuery,
  type PointSource,
} from './point-source.ts';
import type { DeviceName } from './selection.ts';

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
  close(): void;
}

export function databaseSource(
  target: InfluxTarget,
  { dialect = influxQl, timeoutMs = 60_000 }: DatabaseSourceOptions = {},
): DatabaseSource {
  const connection = new InfluxConnection(target, timeoutMs);
  const ask = (request: PointRequest) => byDevice(pointsOf(dialect, connection, request));
  return {
    async *gather(query, create) {
      const groups = merged(pointRequests(query).map(ask));
      if (query.want !== 'ends') {
        for await (const group of groups) yield* nonEmpty(gathered(group, create));
        return;
      }
      const every = (devices: readonly DeviceName[]) => ask(everyPoint(query, devices));
      yield* withHistories(groups, query, create, every);
    },
    close: () => connection.close(),
  };
}

/** What is asked first for a query, in any dialect. */
export function pointRequests({ select, window, want }: PointQuery): PointRequest[] {
  const { from, to } = window;
  const lookBack = from - LOOK_BACK_MS;
  if (want === 'all') return [{ select, after: lookBack, until: to, pick: 'every' }];
  if (want === 'downs') return [{ select, after: lookBack, until: to, pick: 'downs' }];
  return [
    { select, after: lookBack, until: from, pick: 'last' },
    // A single device that is new in the window is asked for all its points instead.
    ...(select.device === undefined ? [{ select, after: from, until: to, pick: 'first' } as const] : []),
    { select, after: from, until: to, pick: 'last' },
  ];
}

function everyPoint({ select, window }: PointQuery, devices: readonly DeviceName[]): PointRequest {
  const { from, to } = window;
  return { select: { site: select.site }, devices, after: from - LOOK_BACK_MS, until: to, pick: 'every' };
}

/** Asks again, for all their points, for devices whose ends do not tell what lay between; the order is kept. */
async function* withHistories<G extends Gatherer>(
  groups: AsyncIterable<DevicePoints>,
  { select, window }: PointQuery,
  create: () => G,
  every: (devices: readonly DeviceName[]) => AsyncIterable<DevicePoints>,
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
    const isNew = select.device !== undefined && group.points.every(({ at }) => at > window.from);
    if (isNew || device.gathered.needsAll) unclear.push(group);
    const isFull = unclear.length === DEVICES_AT_ONCE || held.length === HELD_BACK_MAX;
    if (unclear.length === 0 || isFull) yield* release();
  }
  yield* release();
}

async function* pointsOf(
  dialect: Dialect,
  connection: InfluxConnection,
  request: PointRequest,
): AsyncGenerator<StatePoint[]> {
  for await (const rows of dialect.rows(connection, dialect.points(request))) {
    yield rows.flatMap((row) => pointOf(row) ?? []);
  }
}

function gathered<G extends Gatherer>(
  { deviceClass, device, points }: DevicePoints,
  create: () => G,
): Gathered<G> {
  const gatherer = create();
  for (const point of points) gatherer.add(point);
  return { deviceClass, device, gathered: gatherer };
}

function* nonEmpty<G extends Gatherer>(device: Gathered<G>): Generator<Gathered<G>> {
  if (!device.gathered.isEmpty) yield device;
}

function keyOf({ deviceClass, device }: DeviceName): string {
  return `${deviceClass}/${device}`;
}
