/** Uptime from closed slots: sums, where an hour or a day is fine enough. */
import type { State } from '../detector/transition.ts';
import type { PointSource } from './point-source.ts';
import type { DeviceName, Selection } from './selection.ts';
import { SLOT_MEASUREMENTS, type SlotMeasurement, SlotPoints } from './slot-point.ts';
import type { Times } from './tally.ts';

export interface SlotTally extends DeviceName {
  /** Time by kind between each two edges; the three sum to the distance. */
  readonly slots: readonly Times[];
  /** The verdict at the last edge; unknown when the last slot is not closed yet. */
  readonly state: State;
}

/**
 * Adds up each device's closed slots between edges. What no slot tells of is unknown.
 * @throws RangeError when an edge is no whole hour in UTC; StoreError by the source.
 */
export async function* slotTallies(
  source: PointSource,
  select: Selection,
  edges: readonly number[],
): AsyncGenerator<SlotTally> {
  const measurement = coarsest(edges);
  const [from, to] = [edges[0] as number, edges.at(-1) as number];
  const query = { measurement, select, window: { from, to } };
  for await (const { deviceClass, device, gathered } of source.gatherSlots(query, () => new SlotPoints())) {
    const up = new Float64Array(edges.length - 1);
    const down = new Float64Array(edges.length - 1);
    const transitions = new Float64Array(edges.length - 1);
    let state: State = 'unknown';
    let index = 0;
    for (const { at, fields } of gathered.inOrder()) {
      while ((edges[index + 1] as number) <= at) index++;
      up[index] = (up[index] as number) + Number(fields.up_ms ?? 0);
      down[index] = (down[index] as number) + Number(fields.down_ms ?? 0);
      transitions[index] = (transitions[index] as number) + Number(fields.transitions ?? 0);
      if (at + SLOT_MEASUREMENTS[measurement] === to) state = (fields.state_end ?? 'unknown') as State;
    }
    const slots = edges.slice(1).map((edge, slot) => {
      const [upMs, downMs] = [up[slot] as number, down[slot] as number];
      const unknownMs = edge - (edges[slot] as number) - upMs - downMs;
      return { upMs, downMs, unknownMs, transitions: transitions[slot] as number };
    });
    yield { deviceClass, device, slots, state };
  }
}

/** Days where all edges are midnights in UTC, else hours. @throws RangeError when an edge is no whole hour. */
export function coarsest(edges: readonly number[]): SlotMeasurement {
  if (edges.every((edge) => edge % SLOT_MEASUREMENTS.device_1d === 0)) return 'device_1d';
  const odd = edges.find((edge) => edge % SLOT_MEASUREMENTS.device_1h !== 0);
  if (odd === undefined) return 'device_1h';
  const when = new Date(odd).toISOString();
  throw new RangeError(
    `${when} is no whole hour in UTC, and rollups know no shorter time: ask without rollups`,
  );
}
