/**
 * What the series know, as bytes: a restart goes on from them and reads only what the journal got since. Without them
 * everything comes from the journal but the counts of open slots, which then say less than was heard.
 *
 * `SBSERIES`, header length, header (JSON), arrays as they lie in memory, names, checksum.
 */
import { crc32 } from 'node:zlib';
import type { NumberArray } from './columns.ts';
import { StoreError } from './errors.ts';
import type { FleetSeries } from './fleet-series.ts';
import type { DeafSpell } from './hearing-times.ts';
import type { Position } from './position.ts';
import { MINUTE_MS, slotStart } from './slot.ts';

const MAGIC = 'SBSERIES';
const VERSION = 1;
const PREFIX_BYTES = MAGIC.length + 4;
const CHECKSUM_BYTES = 4;

const KINDS = { Uint8Array, Uint16Array, Uint32Array, Float32Array, Float64Array };
type KindName = keyof typeof KINDS;

interface Header {
  readonly version: number;
  readonly at: number;
  /** Everything the journal holds before it is in here; some of what follows may be, too. */
  readonly position: Position;
  readonly end: number;
  readonly reasons: readonly string[];
  readonly sites: readonly string[];
  /** Null where there is none yet. */
  readonly checkpointAt: number | null;
  readonly rev: number | null;
  readonly closedTo: number | null;
  readonly spells: readonly DeafSpell[];
  readonly latencyRows: number;
  readonly latencyFree: readonly number[];
  readonly arrays: readonly { readonly name: string; readonly kind: string; readonly length: number }[];
}

export function encodeSeries(series: FleetSeries, at: number, position: Position): Uint8Array {
  const { rows, history, counts, verdicts, hearing } = series;
  const { end } = rows;
  const latency = counts.latency.persistent();
  const arrays: [string, NumberArray][] = [
    ...columnSets(series).flatMap(([set, columns, count]) =>
      columns.entries(count).map(([name, values]): [string, NumberArray] => [`${set}.${name}`, values]),
    ),
    ['verdicts', history.gathered(end)],
    ['hourBins', latency.hour],
    ['dayBins', latency.day],
  ];
  const header: Header = {
    version: VERSION,
    at,
    position,
    end,
    reasons: history.reasons.all(),
    sites: history.sites.all(),
    checkpointAt: finite(verdicts.marks.checkpointAt),
    rev: finite(verdicts.marks.rev),
    closedTo: finite(series.closedTo),
    spells: hearing.persistent(at),
    latencyRows: latency.rows,
    latencyFree: latency.free,
    arrays: arrays.map(([name, values]) => ({ name, kind: values.constructor.name, length: values.length })),
  };
  const head = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC);
  prefix.writeUInt32LE(head.length, MAGIC.length);
  const names = Buffer.from(Array.from({ length: end }, (_, row) => nameOf(series, row)).join('\n'));
  const body = Buffer.concat([
    prefix,
    head,
    ...arrays.map(([, { buffer, byteOffset, byteLength }]) => Buffer.from(buffer, byteOffset, byteLength)),
    names,
  ]);
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32LE(crc32(body));
  return Buffer.concat([body, checksum]);
}

/**
 * Fills empty series.
 * @returns where in the journal to go on reading
 * @throws StoreError `snapshot-unreadable`
 */
export function decodeSeries(series: FleetSeries, snapshot: Uint8Array): { at: number; position: Position } {
  const bytes = Buffer.from(snapshot.buffer, snapshot.byteOffset, snapshot.byteLength);
  const header = readHeader(bytes);
  let offset = PREFIX_BYTES + bytes.readUInt32LE(MAGIC.length);
  const arrays = new Map<string, NumberArray>();
  for (const { name, kind, length } of header.arrays) {
    const values = new KINDS[kind as KindName](length);
    new Uint8Array(values.buffer).set(bytes.subarray(offset, offset + values.byteLength));
    offset += values.byteLength;
    arrays.set(name, values);
  }
  const names = bytes.toString('utf8', offset, bytes.length - CHECKSUM_BYTES).split('\n');
  for (let row = 0; row < header.end; row++) {
    const [deviceClass, device] = (names[row] ?? '').split('\t');
    if (deviceClass && device) series.rows.place(row, deviceClass, device);
  }
  for (const text of header.reasons) series.history.reasons.number(text);
  for (const text of header.sites) series.history.sites.number(text);
  for (const [set, columns] of columnSets(series)) {
    for (const [name, values] of arrays) {
      if (name.startsWith(`${set}.`)) columns.restore(name.slice(set.length + 1), values);
    }
  }
  series.history.restore(arrays.get('verdicts') as Float64Array, header.end);
  const [hour, day] = ['hourBins', 'dayBins'].map((name) => arrays.get(name) as Uint8Array);
  series.counts.latency.restore(
    header.latencyRows,
    header.latencyFree,
    hour as Uint8Array,
    day as Uint8Array,
  );
  series.verdicts.restoreMarks(orNever(header.checkpointAt), orNever(header.rev));
  series.closedTo = orNever(header.closedTo);
  series.hearing.restore(header.spells, header.at);
  series.minutes.beginAt(slotStart(header.at, MINUTE_MS));
  return { at: header.at, position: header.position };
}

function columnSets({ rows, history, slots, counts, minutes }: FleetSeries) {
  const { latency } = counts;
  const latencyRows = latency.persistent().rows;
  return [
    ['history', history.columns, rows.end],
    ['slots', slots.columns, rows.end],
    ['counts', counts.columns, rows.end],
    ['rates', minutes.rates, rows.end],
    ['latency', latency.columns, latencyRows],
    ['envelope', latency.envelope.columns, latencyRows],
  ] as const;
}

function nameOf({ rows }: FleetSeries, row: number): string {
  if (!rows.has(row)) return '';
  const { deviceClass, device } = rows.keyOf(row);
  return `${deviceClass}\t${device}`;
}

function readHeader(bytes: Buffer): Header {
  const fail = (problem: string): StoreError =>
    new StoreError('snapshot-unreadable', `snapshot of the series unreadable: ${problem}`);
  if (bytes.length < PREFIX_BYTES + CHECKSUM_BYTES || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw fail('it does not begin as one does');
  }
  const body = bytes.subarray(0, bytes.length - CHECKSUM_BYTES);
  if (crc32(body) !== bytes.readUInt32LE(body.length)) throw fail('its checksum does not match');
  const length = bytes.readUInt32LE(MAGIC.length);
  const header = JSON.parse(bytes.toString('utf8', PREFIX_BYTES, PREFIX_BYTES + length)) as Header;
  if (header.version !== VERSION) throw fail(`it has version ${header.version}; this is version ${VERSION}`);
  return header;
}

/** JSON has no infinity. */
function finite(at: number): number | null {
  return Number.isFinite(at) ? at : null;
}

function orNever(at: number | null): number {
  return at ?? Number.NEGATIVE_INFINITY;
}
