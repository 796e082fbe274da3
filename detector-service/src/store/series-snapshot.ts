/**
 * What the series know, as bytes: a restart goes on from them and reads only what the journal got since. Without them
 * everything comes from the journal but the counts of open slots, which then say less than was heard.
 *
 * A large fleet is told in blocks of some thousand devices, and others run in between. So a device stands as it is when
 * its block is made, perhaps some seconds after the position that the snapshot names. That is no harm: what the journal
 * got since then is read over it, and says of a device what its row says already.
 */
import type { NumberArray } from './columns.ts';
import type { FleetSeries } from './fleet-series.ts';
import type { DeafSpell } from './hearing-times.ts';
import type { Position } from './position.ts';
import { MINUTE_MS, slotStart } from './slot.ts';
import { decodeBlocks, encodeBlock, type SnapshotBlock, unreadable } from './snapshot-block.ts';

const MAGIC = Buffer.from('SBSERIE2');

/** Rows in a block: making one takes some milliseconds. */
const BLOCK_ROWS = 4096;

interface Beginning {
  readonly at: number;
  /** Everything the journal holds before it is in here; some of what follows may be, too. */
  readonly position: Position;
  /** Null where there is none yet. */
  readonly checkpointAt: number | null;
  readonly rev: number | null;
  readonly closedTo: number | null;
  readonly spells: readonly DeafSpell[];
}

/** Rows `from` to `to`, their names in the text; rows that are free have none. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

interface Ending {
  readonly reasons: readonly string[];
  readonly sites: readonly string[];
}

/** Blocks to be written one behind the other; what is recorded between two of them may or may not be in it. */
export function* encodeSeries(series: FleetSeries, at: number, position: Position): Generator<Uint8Array> {
  const { rows, history, verdicts, hearing } = series;
  const beginning: Beginning = {
    at,
    position,
    checkpointAt: finite(verdicts.marks.checkpointAt),
    rev: finite(verdicts.marks.rev),
    closedTo: finite(series.closedTo),
    spells: hearing.persistent(at),
  };
  yield Buffer.concat([MAGIC, block({ ...beginning })]);
  for (let from = 0; from < rows.end; from += BLOCK_ROWS) {
    yield encodeStretch(series, { from, to: Math.min(rows.end, from + BLOCK_ROWS) });
  }
  // Last, for words are never forgotten: all that the rows speak of are among them now.
  const ending: Ending = { reasons: history.reasons.all(), sites: history.sites.all() };
  yield block({ ...ending });
}

/**
 * Fills empty series.
 * @returns where in the journal to go on reading
 * @throws StoreError `snapshot-unreadable`
 */
export function decodeSeries(series: FleetSeries, snapshot: Uint8Array): { at: number; position: Position } {
  const bytes = Buffer.from(snapshot.buffer, snapshot.byteOffset, snapshot.byteLength);
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw unreadable('it does not begin as one does');
  let beginning: Beginning | undefined;
  let ending: Ending | undefined;
  for (const some of decodeBlocks(bytes, MAGIC.length)) {
    if (beginning === undefined) beginning = some.head as unknown as Beginning;
    else if ('from' in some.head) decodeStretch(series, some);
    else ending = some.head as unknown as Ending;
  }
  if (beginning === undefined || ending === undefined) throw unreadable('it ends too soon');
  for (const text of ending.reasons) series.history.reasons.number(text);
  for (const text of ending.sites) series.history.sites.number(text);
  series.verdicts.restoreMarks(orNever(beginning.checkpointAt), orNever(beginning.rev));
  series.closedTo = orNever(beginning.closedTo);
  series.hearing.restore(beginning.spells, beginning.at);
  series.minutes.beginAt(slotStart(beginning.at, MINUTE_MS));
  return { at: beginning.at, position: beginning.position };
}

function encodeStretch(series: FleetSeries, { from, to }: Stretch): Buffer {
  const { history, counts } = series;
  const arrays = new Map<string, NumberArray>();
  for (const [set, columns] of columnSets(series)) {
    columns.reach(to - 1);
    for (const [name, values] of columns.entries(from, to)) arrays.set(`${set}.${name}`, values);
  }
  arrays.set('verdicts', history.gathered(from, to));
  const { latency } = counts.columns.of;
  const places = latency.subarray(from, to).filter((place) => place > 0);
  for (const [name, values] of counts.latency.gathered(places.map((place) => place - 1)))
    arrays.set(name, values);
  const names = Array.from({ length: to - from }, (_, index) => nameOf(series, from + index));
  return encodeBlock({ head: { from, to }, arrays, text: names.join('\n') });
}

function decodeStretch(series: FleetSeries, { head, arrays, text }: SnapshotBlock): void {
  const { rows, history, counts } = series;
  const { from, to } = head as unknown as Stretch;
  for (const [set, columns] of columnSets(series)) {
    for (const [name, values] of arrays) {
      if (name.startsWith(`${set}.`)) columns.restore(name.slice(set.length + 1), values, from);
    }
  }
  history.restore(arrays.get('verdicts') as Float64Array, from, to);
  const { latency } = counts.columns.of;
  const places = counts.latency.restore(arrays);
  let next = 0;
  for (let row = from; row < to; row++)
    if ((latency[row] as number) > 0) latency[row] = 1 + (places[next++] as number);
  for (const [index, name] of text.split('\n').entries()) {
    const [deviceClass, device] = name.split('\t');
    if (!deviceClass || !device) continue;
    // It was forgotten and came back while the snapshot was made: the later row is the one in use.
    const former = rows.find(deviceClass, device);
    if (former >= 0) series.forget(former);
    rows.place(from + index, deviceClass, device);
  }
}

function columnSets({ history, slots, counts, minutes }: FleetSeries) {
  return [
    ['history', history.columns],
    ['slots', slots.columns],
    ['counts', counts.columns],
    ['rates', minutes.rates],
  ] as const;
}

function block(head: Readonly<Record<string, unknown>>): Buffer {
  return encodeBlock({ head, arrays: new Map(), text: '' });
}

function nameOf({ rows }: FleetSeries, row: number): string {
  if (!rows.has(row)) return '';
  const { deviceClass, device } = rows.keyOf(row);
  return `${deviceClass}\t${device}`;
}

/** JSON has no infinity. */
function finite(at: number): number | null {
  return Number.isFinite(at) ? at : null;
}

function orNever(at: number | null): number {
  return at ?? Number.NEGATIVE_INFINITY;
}
