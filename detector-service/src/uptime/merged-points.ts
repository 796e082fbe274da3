/** Answers about many devices, side by side: what belongs to one device comes together, and nothing is kept. */
import { StoreError } from '../store/errors.ts';
import type { StatePoint } from '../store/state-line.ts';
import { compareDevices, type DeviceName } from './selection.ts';

export interface DevicePoints extends DeviceName {
  readonly points: readonly StatePoint[];
}

/** Cuts points that come sorted by class and device into devices. @throws StoreError when they are not sorted. */
export async function* byDevice(batches: AsyncIterable<readonly StatePoint[]>): AsyncGenerator<DevicePoints> {
  let points: StatePoint[] = [];
  for await (const batch of batches) {
    for (const point of batch) {
      const order = points[0] === undefined ? 0 : compareDevices(points[0], point);
      if (order > 0) {
        const where = `${point.deviceClass}/${point.device} after ${points[0]?.deviceClass}/${points[0]?.device}`;
        throw new StoreError('influx-query', `the answer is not sorted by class and device: ${where}`);
      }
      if (order < 0) {
        yield groupOf(points);
        points = [];
      }
      points.push(point);
    }
  }
  if (points.length > 0) yield groupOf(points);
}

/** Merges streams that are each sorted by device; a device's points stay in the order of the streams. */
export async function* merged(streams: readonly AsyncIterable<DevicePoints>[]): AsyncGenerator<DevicePoints> {
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  try {
    const heads = await Promise.all(iterators.map(headOf));
    for (;;) {
      const [next] = heads.flatMap((head) => head ?? []).sort(compareDevices);
      if (next === undefined) return;
      const points: StatePoint[] = [];
      for (const [index, head] of heads.entries()) {
        if (head === undefined || compareDevices(head, next) !== 0) continue;
        points.push(...head.points);
        heads[index] = await headOf(iterators[index] as AsyncIterator<DevicePoints>);
      }
      yield { deviceClass: next.deviceClass, device: next.device, points };
    }
  } finally {
    await Promise.allSettled(iterators.map((iterator) => iterator.return?.()));
  }
}

async function headOf(iterator: AsyncIterator<DevicePoints>): Promise<DevicePoints | undefined> {
  const { done, value } = await iterator.next();
  return done ? undefined : value;
}

/** In the order of time; the content of a point that was put right last comes last. */
function groupOf(points: StatePoint[]): DevicePoints {
  const { deviceClass, device } = points[0] as StatePoint;
  return { deviceClass, device, points: points.sort((a, b) => a.at - b.at) };
}
