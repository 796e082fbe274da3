/** Taking up the series where the last run left them: a snapshot, and what the journal got since. */
import { CHECKPOINT_MEASUREMENT, loadingStart } from './checkpoint-mark.ts';
import { StoreError } from './errors.ts';
import { FLEET_MEASUREMENT } from './fleet-group.ts';
import { FleetSeries } from './fleet-series.ts';
import type { Journal } from './journal.ts';
import { comparePositions, type Position } from './position.ts';
import { decodeSeries } from './series-snapshot.ts';
import { HOUR } from './slot.ts';
import { SLOTS_CLOSED_MEASUREMENT } from './slots-closed-mark.ts';
import { STATE_MEASUREMENT } from './state-line.ts';

const READ_BACK = [
  STATE_MEASUREMENT,
  CHECKPOINT_MEASUREMENT,
  HOUR.measurement,
  SLOTS_CLOSED_MEASUREMENT,
  FLEET_MEASUREMENT,
];

export interface LoadedSeries {
  readonly series: FleetSeries;
  /** Why a snapshot was there and could not be used: the counts of open slots begin anew. */
  readonly problem?: string | undefined;
  /** Damaged lines that were passed over. */
  readonly damaged: number;
}

export async function loadSeries(journal: Journal, snapshot: Uint8Array | undefined): Promise<LoadedSeries> {
  const { series, from, problem } = await restored(journal, snapshot);
  let damaged = 0;
  for await (const batch of journal.read(from, undefined, { measurements: READ_BACK })) {
    damaged += batch.damaged;
    for (const line of batch.lines) if (!series.recall(line)) damaged++;
  }
  return { series, problem, damaged };
}

async function restored(
  journal: Journal,
  snapshot: Uint8Array | undefined,
): Promise<{ series: FleetSeries; from: Position; problem?: string }> {
  const anew = async (problem?: string) => ({
    series: new FleetSeries(),
    from: await loadingStart(journal),
    ...(problem !== undefined && { problem }),
  });
  if (snapshot === undefined) return anew();
  const series = new FleetSeries();
  try {
    const { position } = decodeSeries(series, snapshot);
    if (comparePositions(position, journal.end()) <= 0) return { series, from: position };
    return anew('it tells of more than the journal holds');
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return anew(error.message);
  }
}
