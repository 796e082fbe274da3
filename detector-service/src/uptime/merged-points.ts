/** Answers about many devices, side by side: what belongs to one device comes together, and nothing is kept. */
import { StoreError } from '../store/errors.ts';
import { compareDevices, type DeviceName } from './selection.ts';

/** A point of a device: of `device_state`, or a closed slot. */
export interface OfDevice extends DeviceName {
  readonly at: number;
}

export interface DevicePoints<P> extends DeviceName {
  readonly points: readonly P[];
}

/** Cuts points that come sorted by class and device into devices. @throws StoreError when they are not sorted. */
export async function* byDevice<P extends OfDevice>(
  batches: AsyncIterable<readonly P[]>,
): AsyncGenerator<DevicePoints<P>> {
  let points: P[] = [];
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
export async function* merged<P>(
  streams: readonly AsyncIterable<DevicePoints<P>>[],
): AsyncGenerator<DevicePoints<P>> {
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  try {
    const heads = await Promise.all(iterators.map(headOf));
    for (;;) {
      const [next] = heads.flatMap((head) => head ?? []).sort(compareDevices);
      if (next === undefined) return;
      const points: P[] = [];
      for (const [index, head] of heads.entries()) {
        if (head === undefined || compareDevices(head, next) !== 0) continue;
        points.push(...head.points);
        heads[index] = await headOf(iterators[index] as AsyncIterator<DevicePoints<P>>);
      }
      yield { deviceClass: next.deviceClass, device: next.device, points };
    }
  } finally {
    await Promise.allSettled(iterators.map((iterator) => iterator.return?.()));
  }
}

async function headOf<P>(iterator: AsyncIterator<DevicePoints<P>>): Promise<DevicePoints<P> | undefined> {
  const { done, value } = await iterator.next();
  return done ? undefined : value;
}

/** In the order of time; the content of a point that was put right last comes last. */
function groupOf<P extends OfDevice>(points: P[]): DevicePoints<P> {
  const { deviceClass, device } = points[0] as P;
  return { deviceClass, device, points: points.sort((a, b) => a.at - b.at) };
}
