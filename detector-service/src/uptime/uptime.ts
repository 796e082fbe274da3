/** Uptime of a selection of devices over a window of time: exact, from whatever holds the series. */
import type { State } from '../detector/transition.ts';
import type { StatePoint } from '../store/state-line.ts';
import { DevicePoints, type Window } from './tally.ts';

/** What devices are meant; every part given has to fit. Nothing given means all. */
export interface Selection {
  readonly device?: string | undefined;
  readonly deviceClass?: string | undefined;
  /** Only the time that devices spent at this site counts. */
  readonly site?: string | undefined;
}

/** Where points come from: the journal, or a database. */
export interface UptimeSource {
  /**
   * At least, of every device selected, the last point up to `from` (within the look-back), the first one after it
   * when there is none, and the last one up to `to`; of two with one instant the valid one last.
   */
  endpoints(select: Selection, window: Window): AsyncIterable<StatePoint>;
  /** Every point of the devices given in the window and the look-back; not needed where `endpoints` gives all. */
  history?(select: Selection, devices: readonly DeviceName[], window: Window): AsyncIterable<StatePoint>;
}

export interface DeviceName {
  readonly deviceClass: string;
  readonly device: string;
}

export interface UptimeNumbers {
  readonly upMs: number;
  readonly downMs: number;
  /** We were blind, or knew nothing yet: neither for nor against the device. */
  readonly unknownMs: number;
  /** 100 · up / (up + down); absent when nothing is known. */
  readonly uptimePercent: number | undefined;
  /** 100 · (up + down) / window: how much of the window the uptime speaks for. */
  readonly coveragePercent: number;
  /** Verdicts after `from`, up to and including `to`. */
  readonly transitions: number;
}

export interface UptimeRow extends DeviceName, UptimeNumbers {
  /** The verdict at `to`. */
  readonly state: State;
}

export interface UptimeReport extends Window {
  /** Sorted by class, then device. Devices without any point in the window or its look-back are not among them. */
  readonly rows: readonly UptimeRow[];
  /** Sums over the rows; its window is the sum of theirs. */
  readonly total: UptimeNumbers & { readonly devices: number };
}

export interface UptimeQuery extends Window {
  readonly source: UptimeSource;
  readonly select?: Selection;
}

/**
 * Time up, down and unknown of each device between two instants; the three always add up to the window.
 * Verdicts are taken to hold until the next one, so `to` should not lie in the future.
 * @throws RangeError when the window is no pair of whole, increasing milliseconds; StoreError by the source.
 */
export async function uptime({ source, select = {}, from, to }: UptimeQuery): Promise<UptimeReport> {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from >= to) {
    throw new RangeError(`a window needs whole milliseconds with from < to, not ${from} and ${to}`);
  }
  const window = { from, to };
  const devices = await collect(source.endpoints(select, window), window);
  if (source.history !== undefined) {
    const unclear = [...devices].filter(([, points]) => points.needsAll).map(([name]) => nameOf(name));
    const all = await collect(source.history(select, unclear, window), window);
    for (const [name, points] of all) devices.set(name, points);
  }
  const rows: UptimeRow[] = [];
  for (const [name, points] of devices) {
    const { state, ...times } = points.tally();
    rows.push({ ...nameOf(name), ...withPercents(times, to - from), state });
    devices.delete(name);
  }
  rows.sort(byClassAndDevice);
  return { from, to, rows, total: totalOf(rows, to - from) };
}

async function collect(
  points: AsyncIterable<StatePoint>,
  window: Window,
): Promise<Map<string, DevicePoints>> {
  const devices = new Map<string, DevicePoints>();
  for await (const point of points) {
    const name = `${point.deviceClass}/${point.device}`;
    let device = devices.get(name);
    if (device === undefined) {
      device = new DevicePoints(window);
      device.add(point);
      if (!device.isEmpty) devices.set(name, device);
    } else {
      device.add(point);
    }
  }
  return devices;
}

function totalOf(rows: readonly UptimeRow[], windowMs: number): UptimeReport['total'] {
  const sum = { upMs: 0, downMs: 0, unknownMs: 0, transitions: 0 };
  for (const row of rows) {
    sum.upMs += row.upMs;
    sum.downMs += row.downMs;
    sum.unknownMs += row.unknownMs;
    sum.transitions += row.transitions;
  }
  return { devices: rows.length, ...withPercents(sum, windowMs * rows.length) };
}

type Times = Pick<UptimeNumbers, 'upMs' | 'downMs' | 'unknownMs' | 'transitions'>;

function withPercents(times: Times, windowMs: number): UptimeNumbers {
  const knownMs = times.upMs + times.downMs;
  return {
    ...times,
    uptimePercent: knownMs === 0 ? undefined : (100 * times.upMs) / knownMs,
    coveragePercent: windowMs === 0 ? 0 : (100 * knownMs) / windowMs,
  };
}

function nameOf(name: string): DeviceName {
  const slash = name.indexOf('/');
  return { deviceClass: name.slice(0, slash), device: name.slice(slash + 1) };
}

function byClassAndDevice(a: DeviceName, b: DeviceName): number {
  return compare(a.deviceClass, b.deviceClass) || compare(a.device, b.device);
}

/** By code units: the same order on every machine, whatever its language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
